#!/bin/sh
# Installs the C library: headers, libraries, and their files for pkg-config and CMake.
#
#   cargo build --profile library -p tokenlease-c && bindings/c/install.sh
#
# PREFIX     where to install; default: /usr/local
# LIBDIR     the folder of the libraries, below PREFIX or absolute; default: lib
# DESTDIR    a staging folder in front of PREFIX, for packagers; default: none
# FROM       the folder with the built libraries; default: target/library
# PROGRAM    the built program, to install it too, with its manual pages and completions; default: none
# GENERATED  the folder that `just generate` made, for PROGRAM; default: target/generated
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
prefix=${PREFIX:-/usr/local}
from=${FROM:-$target/library}
libdir=${LIBDIR:-lib}

# The libraries below the prefix are found relative to the files of pkg-config and CMake, so that the
# whole prefix can be moved.
case $libdir in
"$prefix"/*) libdir=${libdir#"$prefix"/} ;;
esac
case $libdir in
/*) lib=${DESTDIR:-}$libdir up=$prefix relative= ;;
*) lib=${DESTDIR:-}$prefix/$libdir up=$(echo "$libdir" | sed 's|[^/][^/]*|..|g') relative=yes ;;
esac
include=${DESTDIR:-}$prefix/include

version=$(sed -n 's/^#define TOKENLEASE_VERSION "\(.*\)"$/\1/p' "$root/include/tokenlease.h")
# The soname that build.rs sets: before 1.0 it contains the minor version.
case $version in
0.*) abi=${version%.*} ;;
*) abi=${version%%.*} ;;
esac

fill() {
    if [ -n "$relative" ]; then
        pc="\${pcfiledir}/../$up" pc_lib="\${prefix}/$libdir"
        cmake="\${CMAKE_CURRENT_LIST_DIR}/../../$up" cmake_lib="\${_tokenlease_prefix}/$libdir"
    else
        pc=$prefix pc_lib=$libdir cmake=$prefix cmake_lib=$libdir
    fi
    sed -e "s|@PC_PREFIX@|$pc|g" -e "s|@CMAKE_PREFIX@|$cmake|g" -e "s|@VERSION@|$version|g" \
        -e "s|@LIBDIR@|$pc_lib|g" -e "s|@CMAKE_LIBDIR@|$cmake_lib|g" "$here/$1.in" >"$2/$1"
    chmod 644 "$2/$1"
}

linked=$(mktemp -d)
trap 'rm -rf "$linked"' EXIT
"$here/link.sh" "$from" "$linked"

mkdir -p "$include/tokenlease" "$lib/pkgconfig" "$lib/cmake/tokenlease"
install -m 644 "$root"/include/tokenlease.* "$include"
install -m 644 "$root"/include/tokenlease/*.hpp "$include/tokenlease"
install -m 644 "$linked/libtokenlease.a" "$lib"
if [ -f "$linked/libtokenlease.dylib" ]; then
    install -m 755 "$linked/libtokenlease.dylib" "$lib/libtokenlease.$abi.dylib"
    ln -sf "libtokenlease.$abi.dylib" "$lib/libtokenlease.dylib"
else
    install -m 755 "$linked/libtokenlease.so" "$lib/libtokenlease.so.$version"
    ln -sf "libtokenlease.so.$version" "$lib/libtokenlease.so.$abi"
    ln -sf "libtokenlease.so.$abi" "$lib/libtokenlease.so"
fi
fill tokenlease.pc "$lib/pkgconfig"
fill tokenlease-static.pc "$lib/pkgconfig"
fill tokenlease-config.cmake "$lib/cmake/tokenlease"
fill tokenlease-config-version.cmake "$lib/cmake/tokenlease"

if [ -n "${PROGRAM:-}" ]; then
    generated=${GENERATED:-$target/generated}
    share=${DESTDIR:-}$prefix/share
    mkdir -p "${DESTDIR:-}$prefix/bin" "$share/man/man1" "$share/bash-completion/completions" \
        "$share/zsh/site-functions" "$share/fish/vendor_completions.d"
    install -m 755 "$PROGRAM" "${DESTDIR:-}$prefix/bin/tokenlease"
    install -m 644 "$generated"/man/*.1 "$share/man/man1"
    completions=$generated/completions
    install -m 644 "$completions/tokenlease.bash" "$share/bash-completion/completions/tokenlease"
    install -m 644 "$completions/_tokenlease" "$share/zsh/site-functions"
    install -m 644 "$completions/tokenlease.fish" "$share/fish/vendor_completions.d"
fi
