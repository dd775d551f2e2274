#!/bin/sh
# `install FOLDER`, or `run FOLDER`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$2
case $1 in
install)
    command -v go >/dev/null || { echo "there is no go" >&2; exit 77; }
    cd "$here"
    GOFLAGS=-mod=readonly go build -trimpath -buildvcs=false -o "$folder/client" .
    ;;
run)
    exec "$folder/client"
    ;;
esac
