# syncer on each client of Nomad, for containers that Nomad's docker driver or people start.
# What Nomad itself registers in Consul stays Nomad's: it carries no mark of syncer's.
job "syncer" {
  type = "system"

  group "syncer" {
    network {
      mode = "host"
    }

    task "syncer" {
      driver = "docker"
      user   = "0"

      config {
        image        = "syncer:latest"
        network_mode = "host"
        args         = ["run", "--config", "/local/syncer.toml", "--log-format", "json"]
        volumes      = ["/var/run/docker.sock:/var/run/docker.sock:ro"]
        cap_drop     = ["all"]
        readonly_rootfs = true
      }

      template {
        destination = "local/syncer.toml"
        change_mode = "noop" # syncer sees the change, and applies it without a restart
        data        = <<-EOF
          [sources.docker]

          [sinks.consul]
          address = "http://127.0.0.1:8500"
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
