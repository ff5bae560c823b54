#!/bin/sh
# `make run`: runs syncer with the servers of this machine: run.sh SYNCER [--yes] [OPTION...]
#
# The source is a Docker engine and the sink a Consul agent, if they answer; else a sample file and an
# in-memory registry. Nothing is written to Consul before the plan was shown and somebody agreed:
# --yes, or YES=1, agrees beforehand. An own --sink in the options takes the place of Consul.
set -eu
syncer=$1
shift
here=$(dirname "$0")
python=$(dirname "$syncer")/python

# Prints, a line each: the first Docker engine that answers a ping, the Consul agent if it answers,
# and a free address for the page.
look() {
    "$python" - <<'END'
import http.client, os, socket, ssl, urllib.error, urllib.request

class Unix(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(3)
        self.sock.connect(self.host)

def docker(address):
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

def consul(address):
    if address.startswith("unix://"):
        return os.path.exists(address[len("unix://"):])
    secure = os.environ.get("CONSUL_HTTP_SSL", "").lower() in ("1", "true")
    url = address if "://" in address else ("https://" if secure else "http://") + address
    try:
        context = ssl._create_unverified_context()  # only to see whether it answers
        url = url.rstrip("/") + "/v1/status/leader"
        urllib.request.urlopen(url, timeout=3, context=context).close()
        return True
    except urllib.error.HTTPError:
        return True  # it answers, but may need a token
    except (OSError, ValueError):
        return False

def free(port):
    with socket.socket() as page:
        page.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            page.bind(("127.0.0.1", port))
        except OSError:
            page.bind(("127.0.0.1", 0))
        return "%s:%d" % page.getsockname()

named = os.environ.get("DOCKER_HOST")
engines = [named] if named else ["unix:///var/run/docker.sock", "unix:///tmp/docker.sock"]
print(next(filter(docker, engines), ""))
agent = os.environ.get("CONSUL_HTTP_ADDR") or "127.0.0.1:8500"
print(agent if consul(agent) else "")
print(free(8520))
END
}

# Shows what would be written to Consul with these options, and asks. Without a terminal nobody can
# answer: no. Options that only `run` has make no difference to a plan.
agreed() {
    [ -t 0 ] || {
        echo "Consul answers at $consul, but nobody can be asked: --yes (or YES=1) registers there"
        return 1
    }
    for option; do
        shift
        [ -z "${value:-}" ] || { value= && continue; }
        case $option in
        --once | -v | --verbose | --web=* | --log-format=*) ;;
        --web | --log-format) value=follows ;;
        *) set -- "$@" "$option" ;;
        esac
    done
    "$syncer" plan --source "$source" --sink consul "$@" || true
    printf "Apply to Consul at %s? [y/N] " "$consul"
    read -r answer || answer=
    case $answer in y | Y | yes) ;; *) return 1 ;; esac
}

own=
for option; do
    shift
    case $option in
    --yes) YES=1 ;;
    --sink | --sink=*) own=1 && set -- "$@" "$option" ;;
    *) set -- "$@" "$option" ;;
    esac
done
found=$(look)
docker=$(echo "$found" | sed -n 1p)
consul=$(echo "$found" | sed -n 2p)
page=$(echo "$found" | sed -n 3p)

if [ -n "$docker" ]; then
    echo "Source: the Docker engine at $docker"
    export DOCKER_HOST="$docker"
    source=docker
else
    sample=$here/sample/services.toml
    echo "Source: the services in $sample (no Docker engine at ${DOCKER_HOST:-/var/run/docker.sock or /tmp/docker.sock})"
    source=file=$sample
fi
if [ -n "$own" ]; then
    :
elif [ -n "$consul" ] && { [ "${YES:-}" = 1 ] || agreed "$@"; }; then
    echo "Sink: the Consul agent at $consul. Entries stay when syncer ends; this removes them:"
    echo "    $syncer purge --source $source --sink consul"
    set -- --sink consul "$@"
else
    [ -n "$consul" ] || echo "No Consul agent at ${CONSUL_HTTP_ADDR:-127.0.0.1:8500}."
    echo "Sink: an in-memory registry, lost on exit"
    set -- --sink memory "$@"
fi

echo "Status page: http://$page/"
set -- --source "$source" "$@" --web "$page"
echo "Running: syncer run $*"
exec "$syncer" run "$@"
