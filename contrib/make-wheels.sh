#!/bin/sh
# Builds the wheels of the core and of all plugins: make-wheels.sh PYTHON FOLDER
#
# Uses the committed files and the time of the commit, so that the same commit gives the same bytes.
# Without a repository, as in an unpacked archive, it uses the files that exist. PYTHON needs `build`
# and setuptools.
set -eu
python=$1
mkdir -p "$2"
folder=$(cd "$2" && pwd)
root=$(cd "$(dirname "$0")/.." && pwd)

tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
umask 022

if SOURCE_DATE_EPOCH=$(git -C "$root" log -1 --format=%ct 2>/dev/null); then
    git -C "$root" archive HEAD | tar -x -C "$tree"
else
    SOURCE_DATE_EPOCH=$(stat -c %Y "$root/setup.cfg")
    tar -c -C "$root" --exclude='./.*' --exclude='*.egg-info' --exclude=build . | tar -x -C "$tree"
fi
export SOURCE_DATE_EPOCH

for distribution in "$tree" "$tree"/plugins/*/; do
    "$python" -m build --wheel --no-isolation --outdir "$folder" "$distribution" >"$tree/log" 2>&1 || {
        cat "$tree/log" >&2
        exit 1
    }
done
cd "$folder"
sha256sum ./*.whl
