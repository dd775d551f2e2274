#!/bin/sh
# Makes an archive of the C library for this platform, which works in any folder: what install.sh
# installs, and the licences of all that is linked into it.
#
#   cargo build --profile dist -p tokenlease-c && bindings/c/archive.sh
#
# TO      the folder for the archive; default: target/archive
# TARGET  the platform, as Rust names it; default: that of this machine
# FROM, LIBDIR, PROGRAM and GENERATED are those of install.sh.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
to=${TO:-${CARGO_TARGET_DIR:-$root/target}/archive}
version=$(sed -n 's/^#define TOKENLEASE_VERSION "\(.*\)"$/\1/p' "$root/include/tokenlease.h")
target=${TARGET:-$(rustc -vV | sed -n 's/^host: //p')}
name=tokenlease-$version-$target

rm -rf "${to:?}/$name"
mkdir -p "$to/$name"
DESTDIR='' PREFIX=$(cd "$to/$name" && pwd) "$here/install.sh"
licences=$to/$name/share/licenses/tokenlease
mkdir -p "$licences"
cp "$root/LICENSE-MIT" "$root/LICENSE-APACHE" "$licences"
cp "$here/README.md" "$to/$name"
packages=tokenlease-c
if [ -n "${PROGRAM:-}" ]; then
    packages="$packages tokenlease-cli"
fi
# shellcheck disable=SC2086
(cd "$root" && unset CC AR LD NM TARGET \
    && cargo run --quiet --locked -p tokenlease-c --example licences -- --target "$target" $packages) \
    >"$licences/THIRD-PARTY.txt"

# The same files give the same archive, where tar can do that.
same="--mode=u=rwX,go=rX --sort=name --owner=0 --group=0 --numeric-owner --mtime=@${SOURCE_DATE_EPOCH:-0}"
tar --version 2>/dev/null | grep -q GNU || same=
# shellcheck disable=SC2086
tar -C "$to" $same -cf - "$name" | gzip -n >"$to/$name.tar.gz"
rm -rf "${to:?}/$name"
echo "$to/$name.tar.gz"
