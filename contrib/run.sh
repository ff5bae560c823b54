#!/bin/sh
# `make run`: runs syncer with the servers of this machine: run.sh SYNCER [OPTION...]
#
# The source is a Docker engine and the sink a Consul agent; without them, a sample file and an
# in-memory registry are used instead. No server is started.
set -eu
syncer=$1
shift
here=$(dirname "$0")
python=$(dirname "$syncer")/python

# Prints the address of the first Docker engine that answers a ping.
find_docker() {
    "$python" - <<'END'
import http.client, os, socket, sys

class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(3)
        self.sock.connect(self.host)

def answers(address):
    scheme, _, place = address.partition("://")
    if scheme == "ssh" or os.environ.get("DOCKER_TLS_VERIFY"):
        return True  # not tested here; syncer itself reports a failure
    kind = Unix if scheme == "unix" else http.client.HTTPConnection
    try:
        connection = kind(place.rstrip("/") if scheme != "unix" else place, timeout=3)
        connection.request("GET", "/_ping", headers={"Host": "docker"})
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False

named = os.environ.get("DOCKER_HOST")
for address in [named] if named else ["unix:///var/run/docker.sock", "unix:///tmp/docker.sock"]:
    if answers(address):
        print(address)
        sys.exit()
END
}

# Prints the address of the Consul agent if it answers.
find_consul() {
    "$python" - <<'END'
import os, ssl, urllib.error, urllib.request

address = os.environ.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
if address.startswith("unix://"):
    found = os.path.exists(address[len("unix://"):])
else:
    secure = os.environ.get("CONSUL_HTTP_SSL", "").lower() in ("1", "true")
    url = address if "://" in address else ("https://" if secure else "http://") + address
    try:
        context = ssl._create_unverified_context()  # only to see whether it answers
        url = url.rstrip("/") + "/v1/status/leader"
        urllib.request.urlopen(url, timeout=3, context=context).close()
        found = True
    except urllib.error.HTTPError:
        found = True  # it answers, but may need a token
    except (OSError, ValueError):
        found = False
if found:
    print(address)
END
}

docker=$(find_docker)
consul=$(find_consul)

if [ -n "$docker" ]; then
    echo "Source: the Docker engine at $docker"
    export DOCKER_HOST="$docker"
    source=docker
else
    sample=$here/sample/services.toml
    echo "Source: the services in $sample (no Docker engine at ${DOCKER_HOST:-/var/run/docker.sock or /tmp/docker.sock})"
    source=file=$sample
fi
if [ -n "$consul" ]; then
    echo "Sink: the Consul agent at $consul"
    sink=consul
else
    echo "Sink: an in-memory registry, lost on exit (no Consul agent at ${CONSUL_HTTP_ADDR:-127.0.0.1:8500})"
    sink=memory
fi

echo "Running: syncer run --source $source --sink $sink $*"
exec "$syncer" run --source "$source" --sink "$sink" "$@"
