#!/bin/sh
# Installs the C library: headers, libraries, and their files for pkg-config and CMake.
#
#   cargo build --profile dist -p tokenlease-c && bindings/c/install.sh
#
# PREFIX     where to install; default: /usr/local
# LIBDIR     the folder of the libraries, below PREFIX or absolute; default: lib
# DESTDIR    a staging folder in front of PREFIX, for packagers; default: none
# FULL       if set, installs the library with all stores, as tokenlease-full (docs/stores.md)
# FROM       the folder with the built libraries; default: target/dist
# PROGRAM    the built program, to install it too, with its manual pages and completions; default: none
# GENERATED  the folder that `just generate` made, for PROGRAM; default: target/generated
#
# A library for Windows is recognised by its DLL. DLLTOOL selects the tool that makes its import library.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
prefix=${PREFIX:-/usr/local}
from=${FROM:-$target/dist}
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

# Both libraries have the same header, and may be installed beside each other.
name=tokenlease${FULL:+-full}
static=${FULL:+full-}static

version=$(sed -n 's/^#define TOKENLEASE_VERSION "\(.*\)"$/\1/p' "$root/include/tokenlease.h")
# The soname that build.rs sets: before 1.0 it contains the minor version.
case $version in
0.*) abi=${version%.*} ;;
*) abi=${version%%.*} ;;
esac

# The system's libraries that the static library needs.
system='-lpthread -lm -ldl'
if [ -f "$from/tokenlease.dll" ]; then
    system='-lntdll -lws2_32 -luserenv -lbcrypt -lcrypt32 -lsecur32 -lole32 -loleaut32 -ladvapi32'
fi

fill() {
    file=$2/$name${1#tokenlease}
    if [ -n "$relative" ]; then
        pc="\${pcfiledir}/../$up" pc_lib="\${prefix}/$libdir"
        cmake="\${CMAKE_CURRENT_LIST_DIR}/../../$up" cmake_lib="\${_tokenlease_prefix}/$libdir"
    else
        pc=$prefix pc_lib=$libdir cmake=$prefix cmake_lib=$libdir
    fi
    sed -e "s|@PC_PREFIX@|$pc|g" -e "s|@CMAKE_PREFIX@|$cmake|g" -e "s|@VERSION@|$version|g" \
        -e "s|@LIBDIR@|$pc_lib|g" -e "s|@CMAKE_LIBDIR@|$cmake_lib|g" -e "s|@NAME@|$name|g" \
        -e "s|@STATIC@|$static|g" -e "s|@DLL@|$name-$abi.dll|g" -e "s|@SYSTEM@|$system|g" \
        -e "s|@CMAKE_SYSTEM@|$(echo "$system" | sed 's/-l//g; s/ /;/g')|g" "$here/$1.in" >"$file"
    chmod 644 "$file"
}

linked=$(mktemp -d)
trap 'rm -rf "$linked"' EXIT
"$here/link.sh" "$from" "$linked"

mkdir -p "$include/tokenlease" "$lib/pkgconfig" "$lib/cmake/$name"
install -m 644 "$root"/include/tokenlease.* "$include"
install -m 644 "$root"/include/tokenlease/*.hpp "$include/tokenlease"
install -m 644 "$linked/libtokenlease.a" "$lib/lib$name.a"
if [ -f "$linked/tokenlease.dll" ]; then
    # The DLL has the version of its interface in its name, and the import library names it.
    mkdir -p "${DESTDIR:-}$prefix/bin"
    install -m 755 "$linked/tokenlease.dll" "${DESTDIR:-}$prefix/bin/$name-$abi.dll"
    {
        # A name with dots is read only in quotes.
        echo "LIBRARY \"$name-$abi.dll\""
        echo EXPORTS
        sed -n 's/^.*\(tokenlease_[a-z0-9_]*\)(.*$/\1/p' "$root/include/tokenlease.h" | sort -u
    } >"$linked/$name.def"
    "${DLLTOOL:-x86_64-w64-mingw32-dlltool}" -d "$linked/$name.def" -l "$lib/lib$name.dll.a"
    install -m 644 "$linked/$name.def" "$lib"
elif [ -f "$linked/libtokenlease.dylib" ]; then
    install -m 755 "$linked/libtokenlease.dylib" "$lib/lib$name.$abi.dylib"
    ln -sf "lib$name.$abi.dylib" "$lib/lib$name.dylib"
else
    install -m 755 "$linked/libtokenlease.so" "$lib/lib$name.so.$version"
    ln -sf "lib$name.so.$version" "$lib/lib$name.so.$abi"
    ln -sf "lib$name.so.$abi" "$lib/lib$name.so"
fi
fill tokenlease.pc "$lib/pkgconfig"
fill tokenlease-static.pc "$lib/pkgconfig"
fill tokenlease-config.cmake "$lib/cmake/$name"
fill tokenlease-config-version.cmake "$lib/cmake/$name"

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
