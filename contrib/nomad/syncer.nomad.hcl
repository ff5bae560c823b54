# syncer on each Nomad client, for containers started by Nomad's docker driver or by people. Entries
# that Nomad itself registers in Consul are left alone: they do not carry syncer's mark.
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
        change_mode = "noop" # syncer notices the change and applies it without a restart
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
