#!/bin/sh
# `install FOLDER`, or `run FOLDER`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    for program in node npm; do
        command -v $program >/dev/null || { echo "there is no $program" >&2; exit 77; }
    done
    cp "$here/package.json" "$here/package-lock.json" "$folder/"
    cd "$folder"
    npm ci --omit=dev --no-audit --no-fund --ignore-scripts
    ;;
run)
    cp "$here/client.mjs" "$folder/client.mjs"
    exec node "$folder/client.mjs"
    ;;
esac
