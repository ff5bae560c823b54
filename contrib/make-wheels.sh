#!/bin/sh
# Builds the wheels of the core and of all plugins: make-wheels.sh PYTHON FOLDER
#
# From what is committed, not from what lies about in the tree, with the commit's time in the
# archives: the same commit gives the same bytes again. Where there is no repository, as in an
# unpacked archive, from the files that are there. PYTHON has `build` and setuptools.
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
