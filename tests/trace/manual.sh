#!/bin/sh
# mallow-trace(5) is well-formed, and its example compiles as it is and describes a trace.
# Usage: manual.sh SOURCE PRINTER COMPILER FLAG...: PRINTER writes the trace
set -eu
source=$1 printer=$2
shift 2
page=$source/docs/man/mallow-trace.5
command -v mandoc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mandoc -T lint -W warning "$page"
sed -n '/^\.EX/,/^\.EE/p' "$page" | sed '1d; $d; s/\\e/\\/g; s/\\-/-/g' >"$work/example.c"
compiler=$1
shift
"$compiler" -std=c11 -Wall -Wextra -Werror -D_GNU_SOURCE "$work/example.c" -o "$work/example" "$@"
"$printer" "$work/trace" 1 >"$work/events"
"$work/example" "$work/trace" >"$work/out"
cat "$work/out"

# 1 is malloc, and column 9 the size.
malloc=$(awk '$1 == 1 && $7 != 0 { bytes += $9 } END { printf "malloc: %.0f bytes\n", bytes }' "$work/events")
grep -qxF "$malloc" "$work/out"
grep -qxE 'the oldest of [0-9]+ blocks: [0-9]+ bytes at 0x[0-9a-f]+' "$work/out"
