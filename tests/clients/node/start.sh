#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) node_packages ;;
run)
    cp "$here/client.mjs" "$folder/client.mjs"
    exec node "$folder/client.mjs"
    ;;
esac
