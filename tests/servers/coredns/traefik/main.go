// The part of Traefik that reads its services from etcd, as Traefik itself runs it.
//
//	traefik 127.0.0.1:2379
//
// prints each configuration that it makes of what stands there, in JSON, one on each line.
package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"

	"github.com/traefik/traefik/v3/pkg/config/dynamic"
	"github.com/traefik/traefik/v3/pkg/provider/kv/etcd"
	"github.com/traefik/traefik/v3/pkg/safe"
)

func main() {
	if len(os.Args) != 2 {
		log.Fatal("usage: traefik HOST:PORT-OF-ETCD")
	}
	provider := &etcd.Provider{}
	provider.SetDefaults()
	provider.Endpoints = os.Args[1:]
	if err := provider.Init(); err != nil {
		log.Fatal(err)
	}
	made := make(chan dynamic.Message, 1) // the first comes before Provide returns
	if err := provider.Provide(made, safe.NewPool(context.Background())); err != nil {
		log.Fatal(err)
	}
	for message := range made {
		text, err := json.Marshal(message.Configuration)
		if err != nil {
			log.Fatal(err)
		}
		fmt.Println(string(text))
	}
}
