#!/bin/sh
# `make run`: runs syncer with what answers on this machine: run.sh SYNCER [OPTION...]
#
# A Docker engine is the source and a Consul agent the sink; where there is none, a sample
# file and a registry in memory stand in. It starts no server.
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
        return True  # cannot be asked in a few lines; syncer itself says if it fails
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
        context = ssl._create_unverified_context()  # only to see that something is there
        url = url.rstrip("/") + "/v1/status/leader"
        urllib.request.urlopen(url, timeout=3, context=context).close()
        found = True
    except urllib.error.HTTPError:
        found = True  # it answers, and wants a token, say
    except (OSError, ValueError):
        found = False
if found:
    print(address)
END
}

docker=$(find_docker)
consul=$(find_consul)

if [ -n "$docker" ]; then
    echo "A Docker engine answers at $docker: it is the source."
    export DOCKER_HOST="$docker"
    source=docker
else
    sample=$here/sample/services.toml
    echo "No Docker engine answers (${DOCKER_HOST:-/var/run/docker.sock, /tmp/docker.sock}): the services in $sample are the source."
    source=file=$sample
fi
if [ -n "$consul" ]; then
    echo "A Consul agent answers at $consul: it is the registry."
    sink=consul
else
    echo "No Consul agent answers at ${CONSUL_HTTP_ADDR:-127.0.0.1:8500}: a registry in memory stands in, gone when syncer ends."
    sink=memory
fi

echo "Running: syncer run --source $source --sink $sink $*"
exec "$syncer" run --source "$source" --sink "$sink" "$@"
