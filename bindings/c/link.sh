#!/bin/sh
# Makes the libraries that are installed from those that cargo built; install.sh calls it.
#
#   bindings/c/link.sh FROM TO
#
# FROM is the folder of the built libraries, and TO the folder for the results. AR, CC, LD, NM,
# OBJCOPY and READELF select the tools, for example those of another platform.
#
# The static library becomes one object in which only the functions of tokenlease.h are global. Every
# Rust static library contains Rust's own runtime: two of them define the same names otherwise, and
# cannot be linked into one program. The shared library is linked from the same object, with the
# version of the interface at each symbol; Rust's own link step cannot do that. Without the GNU tools,
# the libraries are copied.
set -eu
from=$1
to=$2
here=$(cd "$(dirname "$0")" && pwd)
ld=${LD:-ld}
objcopy=${OBJCOPY:-objcopy}
# The sections of LLVM's intermediate code, which no linker needs.
bitcode='--remove-section=.llvmbc --remove-section=.llvmcmd --remove-section=.llvm_addrsig'

mkdir -p "$to"
if ! [ -f "$from/libtokenlease.so" ] || ! "$ld" --version 2>/dev/null | grep -q '^GNU ld' \
    || ! command -v "$objcopy" >/dev/null; then
    cp "$from"/libtokenlease.* "$to"
    # Only for Windows, where the name of a library has no prefix.
    [ ! -f "$from/tokenlease.dll" ] || cp "$from/tokenlease.dll" "$to"
    exit
fi

# A build without symbols stays without them.
strip=
if "${NM:-nm}" "$from/libtokenlease.so" 2>&1 | grep -q 'no symbols'; then
    strip=yes
fi

functions=$(sed -n 's/^.*\(tokenlease_[a-z0-9_]*\)(.*$/\1/p' "$here/../../include/tokenlease.h" \
    | sort -u)
roots=
for function in $functions; do
    roots="$roots -u $function"
done
# Groups are resolved, or the linker would take the runtime of one library for that of the other.
# shellcheck disable=SC2086
"$ld" -r --force-group-allocation --gc-sections $roots \
    --whole-archive "$from/libtokenlease.a" -o "$to/tokenlease.o"
# A function that a C library may lack is referenced weakly, and the linker makes such references strong where it
# joins objects.
"${READELF:-readelf}" -sW "$from/libtokenlease.a" 2>/dev/null \
    | awk '$5 == "WEAK" && $7 == "UND" { print $8 }' | sort -u >"$to/weak"
# shellcheck disable=SC2086
"$objcopy" --weaken-symbols="$to/weak" --wildcard --keep-global-symbol='tokenlease_*' $bitcode ${strip:+--strip-unneeded} \
    "$to/tokenlease.o"
rm -f "$to/libtokenlease.a"
"${AR:-ar}" rcs "$to/libtokenlease.a" "$to/tokenlease.o"

# The soname that build.rs sets ends with the version of the interface. From 1.0 on, the functions of
# each minor version get their own version.
soname=$("${READELF:-readelf}" -d "$from/libtokenlease.so" | sed -n 's/.*(SONAME).*\[\(.*\)\]/\1/p')
abi=${soname##*.so.}
echo "TOKENLEASE_$abi { global: tokenlease_*; local: *; };" >"$to/symbols.map"
"${CC:-cc}" -shared -o "$to/libtokenlease.so" "$to/tokenlease.o" \
    -Wl,-soname,"$soname" -Wl,--version-script,"$to/symbols.map" \
    -Wl,-z,nodelete -Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--gc-sections -Wl,-O1 \
    -Wl,--as-needed ${strip:+-Wl,--strip-all} -lgcc_s -lpthread -lm -ldl
rm "$to/tokenlease.o" "$to/symbols.map" "$to/weak"
