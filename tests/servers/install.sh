#!/bin/bash
# Installs the real servers that the tests use: the Docker engine (with a static
# busybox to build its images from) and Consul 1.8.7, the last one in Debian.
#
# Debian and root only; elsewhere it says what is missing and leaves the machine
# alone. Instant when all is there. A server that cannot be installed is named
# with the reason, and the exit status is 0 unless SYNCER_REQUIRE_SERVERS=1.
set -uo pipefail

readonly CONSUL_SUITE=bullseye
readonly APT_NAME=syncer-test-servers
readonly SOURCES=/etc/apt/sources.list.d/$APT_NAME.sources
readonly PINS=/etc/apt/preferences.d/$APT_NAME
readonly POLICY=/usr/sbin/policy-rc.d
export PATH="$PATH:/usr/local/sbin:/usr/sbin:/sbin"
export DEBIAN_FRONTEND=noninteractive

problems=()
log=$(mktemp)
policy_is_ours=no

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
    [ -z "$packages" ] && return
    if ! can_install; then
        problem "Docker engine: missing $(echo $packages); only root on Debian can install it"
        return
    fi
    say "installing" $packages
    apt install --no-install-recommends $packages ||
        problem "Docker engine: apt could not install" $packages
}

install_consul() {
    have consul && return
    if ! can_install; then
        problem "Consul: not on the PATH; only root on Debian can install it"
        return
    fi
    if ! consul_candidate && ! add_consul_suite; then
        problem "Consul: no configured apt mirror has Debian $CONSUL_SUITE"
        return
    fi
    say "installing consul from Debian $CONSUL_SUITE"
    apt install --no-install-recommends consul || problem "Consul: apt could not install it"
}

report() {
    if have dockerd; then say "$(dockerd --version)"; fi
    if have consul; then say "$(consul version | head -n 1)"; fi
}

main() {
    trap clean_up EXIT
    if can_install && { [ -n "$(docker_packages)" ] || ! have consul; }; then
        forbid_service_starts
        say "updating apt's lists"
        apt update || say "apt's lists could not be updated; trying with what is there"
    fi
    install_docker
    install_consul
    report
    [ ${#problems[@]} = 0 ] || [ "${SYNCER_REQUIRE_SERVERS:-}" != 1 ]
}

main
