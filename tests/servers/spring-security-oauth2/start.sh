#!/bin/sh
. "$(dirname "$0")/../../start.sh"
case $1 in
install) java_classes ;;
run) java_program -Xmx256m Server --server.address=127.0.0.1 "--server.port=$3" ;;
esac
