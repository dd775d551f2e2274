#!/bin/sh
# Installs the C library: headers, libraries, and their files for pkg-config and CMake.
#
#   cargo build --profile library -p tokenlease-c && bindings/c/install.sh
#
# PREFIX   where to install; default: /usr/local
# DESTDIR  a staging folder in front of PREFIX, for packagers; default: none
# FROM     the folder with the built libraries; default: target/library
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
prefix=${PREFIX:-/usr/local}
from=${FROM:-${CARGO_TARGET_DIR:-$root/target}/library}
to=${DESTDIR:-}$prefix

version=$(sed -n 's/^#define TOKENLEASE_VERSION "\(.*\)"$/\1/p' "$root/include/tokenlease.h")
# The soname that build.rs sets: before 1.0 it contains the minor version.
case $version in
0.*) abi=${version%.*} ;;
*) abi=${version%%.*} ;;
esac

fill() {
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@VERSION@|$version|g" "$here/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}

mkdir -p "$to/include/tokenlease" "$to/lib/pkgconfig" "$to/lib/cmake/tokenlease"
install -m 644 "$root/include/tokenlease.h" "$root/include/tokenlease.hpp" "$to/include"
install -m 644 "$root"/include/tokenlease/*.hpp "$to/include/tokenlease"
install -m 644 "$from/libtokenlease.a" "$to/lib"
if [ -f "$from/libtokenlease.dylib" ]; then
    install -m 755 "$from/libtokenlease.dylib" "$to/lib/libtokenlease.$abi.dylib"
    ln -sf "libtokenlease.$abi.dylib" "$to/lib/libtokenlease.dylib"
else
    install -m 755 "$from/libtokenlease.so" "$to/lib/libtokenlease.so.$version"
    ln -sf "libtokenlease.so.$version" "$to/lib/libtokenlease.so.$abi"
    ln -sf "libtokenlease.so.$abi" "$to/lib/libtokenlease.so"
fi
fill tokenlease.pc "$to/lib/pkgconfig"
fill tokenlease-config.cmake "$to/lib/cmake/tokenlease"
fill tokenlease-config-version.cmake "$to/lib/cmake/tokenlease"
