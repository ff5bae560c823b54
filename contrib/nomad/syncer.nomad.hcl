# syncer on each Nomad client, for containers started by Nomad's docker driver or by people. Entries
# that Nomad itself registers in Consul are left alone: they do not carry syncer's mark.
#
#   nomad job run -var image=registry.example/syncer:0.1.0 contrib/nomad/syncer.nomad.hcl
#
# What it needs: the docker driver, with `volumes { enabled = true }` for the engine's socket; a Consul
# agent on each client at 127.0.0.1:8500; Nomad 1.4 or newer for the check.
variable "image" {
  type        = string
  description = "The image, built from contrib/docker/Dockerfile and pushed to a registry of yours"
}

job "syncer" {
  type = "system"

  group "syncer" {
    network {
      mode = "host"
      port "page" {
        static = 8520
      }
    }

    # In Nomad's own catalogue; the page listens on the loopback address, where the client asks.
    service {
      name     = "syncer"
      provider = "nomad"
      port     = "page"
      address  = "127.0.0.1"

      check {
        type     = "http"
        path     = "/healthz"
        interval = "30s"
        timeout  = "5s"
      }
    }

    task "syncer" {
      driver = "docker"
      user   = "0"

      config {
        image        = var.image
        network_mode = "host"
        args         = ["run", "--config", "/local/syncer.toml", "--log-format", "json"]
        volumes      = ["/var/run/docker.sock:/var/run/docker.sock:ro"]
        cap_drop     = ["all"]
        readonly_rootfs = true
      }

      template {
        destination = "local/syncer.toml"
        change_mode = "noop" # syncer notices the change and applies it without a restart
        data        = <<-EOF
          [sources.docker]

          [sinks.consul]
          address = "http://127.0.0.1:8500"

          [web]
          listen = "127.0.0.1:8520"
        EOF
      }

      kill_timeout = "30s"

      resources {
        cpu    = 50
        memory = 128
      }
    }
  }
}
