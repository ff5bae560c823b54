// Discovers services in Consul as Prometheus does, by its own package, and writes each answer as a
// line of JSON: {"source": the service, "targets": their labels}.
package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/discovery"
	"github.com/prometheus/prometheus/discovery/consul"
	"github.com/prometheus/prometheus/discovery/targetgroup"
)

func main() {
	config := consul.DefaultSDConfig
	config.Server = os.Args[1]
	config.RefreshInterval = model.Duration(time.Second)
	registry := prometheus.NewRegistry()
	discoverer, err := config.NewDiscoverer(discovery.DiscovererOptions{
		Logger:  slog.New(slog.NewTextHandler(os.Stderr, nil)),
		Metrics: config.NewDiscovererMetrics(registry, discovery.NewRefreshMetrics(registry)),
	})
	if err != nil {
		panic(err)
	}
	answers := make(chan []*targetgroup.Group)
	go discoverer.Run(context.Background(), answers)
	for groups := range answers {
		for _, group := range groups {
			tell(group)
		}
	}
}

func tell(group *targetgroup.Group) {
	targets := []model.LabelSet{}
	for _, target := range group.Targets {
		targets = append(targets, group.Labels.Merge(target))
	}
	line := map[string]any{"source": group.Source, "targets": targets}
	if err := json.NewEncoder(os.Stdout).Encode(line); err != nil {
		panic(err)
	}
}
