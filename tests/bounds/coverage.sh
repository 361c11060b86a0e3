#!/bin/sh
# Every memory or string function of libc is either checked by libmallow-check.so or listed in
# left_out, and every function of libmallow-check.so has a case in cases.h.
#     coverage.sh LIBRARY LEFT_OUT CASES-PROGRAM
set -eu
export LC_ALL=C
library=$1 left_out=$2 program=$3

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

names() {
    nm -D --defined-only "$1" | awk '$2 ~ /^[TWi]$/ { sub(/@.*/, "", $3); print $3 }' | sort -u
}

libc=$(ldd "$program" | sed -n 's/.* => \(.*libc\.so\.6\) .*/\1/p')
names "$library" >"$work/ours"
names "$libc" | grep -E '_chk$|^_*(mem|str|stp|wcs|wcp|wmem|mbs)|^_*(bcmp|bcopy|bzero|explicit_bzero|rawmemchr|swab|r?index)$|^_*v?(s|sn|sw|as|f|d|w|fw)?printf$|^_*[fp]?(read|write)(v|64|v2|64v2|v64|v64v2|_unlocked)?$|^_*(recv|send)|^_*f?(gets|getws|puts)(_unlocked)?$|^get(cwd|wd|hostname|domainname|login_r|groups|random|entropy|line|delim)$|^readlink|^(tty|pts)name_r$|^confstr$|^[lf]?(get|list)xattr$' \
    >"$work/family"
[ "$(wc -l <"$work/family")" -gt 200 ] || { echo "$libc: too few names were found" >&2; exit 1; }

sed -n 's/^\([^# ][^ ]*\) .*/^(\1)$/p' "$left_out" >"$work/patterns"
missing=$(comm -23 "$work/family" "$work/ours" | grep -Evf "$work/patterns" || true)
[ -z "$missing" ] || { echo "neither checked nor in $left_out:" $missing >&2; exit 1; }

"$program" list | sort -u >"$work/cases"
missing=$(comm -23 "$work/ours" "$work/cases")
[ -z "$missing" ] || { echo "no case calls:" $missing >&2; exit 1; }

# Each function of libmallow-check.so must exist in libc.
surplus=$(names "$libc" | comm -23 "$work/ours" -)
[ -z "$surplus" ] || { echo "libc has no" $surplus >&2; exit 1; }
