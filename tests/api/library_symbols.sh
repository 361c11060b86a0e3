#!/bin/sh
# Checks the symbols of both libraries:
#     library_symbols.sh SHARED STATIC
# The shared library depends only on libc, and its symbols have no version. The static library
# defines every symbol of libc's malloc.o: if one were missing, the linker would add malloc.o too.
set -eu
shared=$1 static=$2
libc=$(${CC:-cc} -print-file-name=libc.a)

needed=$(readelf -d "$shared" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p' | grep -Ev '^(libc|ld-)' || true)
[ -z "$needed" ] || { echo "$shared needs more than libc: $needed" >&2; exit 1; }
! readelf -V "$shared" | grep 'Version definition' || { echo "$shared has versions" >&2; exit 1; }

names() {
    nm --defined-only "$@" | awk '$2 ~ /^[TWVDBR]$/ { print $3 }' | sort -u
}
directory=$(mktemp -d)
trap 'rm -rf "$directory"' EXIT
(cd "$directory" && ar x "$libc" malloc.o)
names "$directory/malloc.o" >"$directory/libc"
names "$static" >"$directory/ours"
missing=$(comm -23 "$directory/libc" "$directory/ours")
[ -z "$missing" ] || { echo "$static does not define:" $missing >&2; exit 1; }
