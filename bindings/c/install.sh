#!/bin/sh
# Installs the C library: headers, libraries, and their files for pkg-config and CMake.
#
#   cargo build --profile library -p tokenlease-c && bindings/c/install.sh
#
# PREFIX   where to install; default: /usr/local
# DESTDIR  a staging folder in front of PREFIX, for packagers; default: none
# FULL     if set, installs the library with all stores, as tokenlease-full (docs/stores.md)
# FROM     the folder with the built libraries; default: target/library
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
prefix=${PREFIX:-/usr/local}
from=${FROM:-${CARGO_TARGET_DIR:-$root/target}/library}
to=${DESTDIR:-}$prefix

# Both libraries have the same header, and may be installed beside each other.
name=tokenlease${FULL:+-full}

version=$(sed -n 's/^#define TOKENLEASE_VERSION "\(.*\)"$/\1/p' "$root/include/tokenlease.h")
# The soname that build.rs sets: before 1.0 it contains the minor version.
case $version in
0.*) abi=${version%.*} ;;
*) abi=${version%%.*} ;;
esac

fill() {
    file=$2/$name${1#tokenlease}
    sed -e "s|@PREFIX@|$prefix|g" -e "s|@VERSION@|$version|g" -e "s|@NAME@|$name|g" \
        "$here/$1.in" >"$file"
    chmod 644 "$file"
}

mkdir -p "$to/include" "$to/lib/pkgconfig" "$to/lib/cmake/$name"
install -m 644 "$root/include/tokenlease.h" "$root/include/tokenlease.hpp" "$to/include"
install -m 644 "$from/libtokenlease.a" "$to/lib/lib$name.a"
if [ -f "$from/libtokenlease.dylib" ]; then
    install -m 755 "$from/libtokenlease.dylib" "$to/lib/lib$name.$abi.dylib"
    ln -sf "lib$name.$abi.dylib" "$to/lib/lib$name.dylib"
else
    install -m 755 "$from/libtokenlease.so" "$to/lib/lib$name.so.$version"
    ln -sf "lib$name.so.$version" "$to/lib/lib$name.so.$abi"
    ln -sf "lib$name.so.$abi" "$to/lib/lib$name.so"
fi
fill tokenlease.pc "$to/lib/pkgconfig"
fill tokenlease-config.cmake "$to/lib/cmake/$name"
fill tokenlease-config-version.cmake "$to/lib/cmake/$name"
