#!/bin/sh
# The manual page of a header is well-formed, names every function of the header, and its first
# example compiles and runs as it is. Usage: manual.sh NAME SOURCE BUILD COMPILER
set -eu
name=$1 source=$2 build=$3 compiler=$4
page=$source/docs/man/mallow-$name.3
command -v mandoc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

mandoc -T lint -W warning "$page"

# Programs do not call functions that end in _slow, _begin or _end.
grep -oE 'mallow_[a-z_]+\(' "$source/include/mallow/$name.h" | sort -u | tr -d '(' |
    grep -vE '_(slow|begin|end)$|^mallow_(lock|last_error|error_text)$' >"$work/functions"
[ -s "$work/functions" ]
while read -r function; do
    [ "$(grep -cw "$function" "$page")" -ge 2 ] ||
        { echo "$page does not describe $function" >&2; exit 1; }
done <"$work/functions"

sed -n '/^\.SH EXAMPLES/,/^\.fi/p' "$page" | sed '/^\./d; s/\\e/\\/g' >"$work/example.c"
"$compiler" -Wall -Wextra -Werror -I"$source/include" "$work/example.c" -o "$work/example" \
    -L"$build" -lmallow-memory -Wl,-rpath,"$build"
"$work/example" >"$work/out"
cat "$work/out"
[ -s "$work/out" ]
