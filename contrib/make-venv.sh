#!/bin/sh
# Recreates a virtual environment: make-venv.sh PYTHON FOLDER
#
# Debian has the module for it in a package of its own: root gets it installed, others a hint.
set -eu
python=$1
folder=$2

fail() {
    echo "make: $*" >&2
    exit 1
}

command -v "$python" >/dev/null || fail "there is no $python; set PYTHON to a Python 3.10 or newer"
"$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' ||
    fail "$("$python" --version) is too old: syncer needs 3.10 or newer; set PYTHON to one"

if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    package=$("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')
    if [ "$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then
        fail "$python cannot make virtual environments; on Debian: apt-get install $package"
    fi
    echo "installing $package"
    { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y "$package"; } \
        >/dev/null </dev/null || fail "apt could not install $package"
fi

echo "making $folder with $("$python" --version)"
"$python" -m venv --clear "$folder"
