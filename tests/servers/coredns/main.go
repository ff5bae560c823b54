// CoreDNS with no plugins but those that the tests need: its plugin "etcd" reads what the
// layout "skydns" writes.
package main

import (
	_ "github.com/coredns/coredns/plugin/bind"
	_ "github.com/coredns/coredns/plugin/errors"
	_ "github.com/coredns/coredns/plugin/etcd"

	"github.com/coredns/coredns/coremain"
)

func main() {
	coremain.Run()
}
