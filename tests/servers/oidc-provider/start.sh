#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) node_packages ;;
run) NODE_PREFIX=$folder exec node "$here/server.mjs" "$3" ;;
esac
