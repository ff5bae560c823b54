// A client of services that etcd names, as any Go program that uses grpc is one.
//
//	caller http://127.0.0.1:2379 etcd:///services/web
//
// For each line that it reads it asks one of the target's servers for its health, in turn, and
// prints the address of the server that answered, or the error.
package main

import (
	"bufio"
	"context"
	"fmt"
	"log"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/client/v3/naming/resolver"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/peer"
)

const inTurn = `{"loadBalancingConfig": [{"round_robin": {}}]}`

func main() {
	if len(os.Args) != 3 {
		log.Fatal("usage: caller URL-OF-ETCD TARGET")
	}
	connection, err := dial(os.Args[1], os.Args[2])
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		fmt.Println(ask(connection))
	}
}

func dial(url, target string) (*grpc.ClientConn, error) {
	client, err := clientv3.NewFromURL(url)
	if err != nil {
		return nil, err
	}
	names, err := resolver.NewBuilder(client)
	if err != nil {
		return nil, err
	}
	return grpc.NewClient(
		target,
		grpc.WithResolvers(names),
		grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultServiceConfig(inTurn),
	)
}

func ask(connection *grpc.ClientConn) string {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	var server peer.Peer
	request := &grpc_health_v1.HealthCheckRequest{}
	_, err := grpc_health_v1.NewHealthClient(connection).Check(ctx, request, grpc.Peer(&server))
	if err != nil {
		return "error: " + err.Error()
	}
	return server.Addr.String()
}
