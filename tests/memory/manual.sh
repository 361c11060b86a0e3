#!/bin/sh
# The manual page of a header is well-formed, names every function of the header, and its examples,
# one in C and one in C++, compile and run as they are.
# Usage: manual.sh NAME SOURCE BUILD C-COMPILER C++-COMPILER
set -eu
name=$1 source=$2 build=$3
page=$source/docs/man/mallow-$name.3
command -v mandoc >/dev/null || exit 77
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

refuse() {
    echo "$page: $1" >&2
    exit 1
}

mandoc -T lint -W warning "$page" || refuse "mandoc has complaints"

# Programs do not call functions that end in _slow, _begin or _end.
grep -oE 'mallow_[a-z_]+\(' "$source/include/mallow/$name.h" | sort -u | tr -d '(' |
    grep -vE '_(slow|begin|end)$|^mallow_(last_error|error_text)$' >"$work/functions"
[ -s "$work/functions" ]
while read -r function; do
    [ "$(grep -cw "$function" "$page")" -ge 2 ] || refuse "it does not describe $function"
done <"$work/functions"

# run_example HEADING SUFFIX COMPILER...: the first example after the heading prints something.
run_example() {
    heading=$1 example=$work/example.$2
    shift 2
    sed -n "/^$heading/,/^\.fi/p" "$page" | sed '1,/^\.nf/d; /^\.fi/d; s/\\e/\\/g' >"$example"
    [ -s "$example" ] || refuse "there is no example after $heading"
    "$@" -Wall -Wextra -Werror -I"$source/include" "$example" \
        -o "$work/program" -L"$build" -lmallow-memory -Wl,-rpath,"$build" ||
        refuse "the example after $heading does not compile"
    "$work/program" >"$work/out" || refuse "the example after $heading fails"
    cat "$work/out"
    [ -s "$work/out" ] || refuse "the example after $heading prints nothing"
}
run_example '\.SH EXAMPLES' c "$4"
if grep -q '^\.SS C++' "$page"; then run_example '\.SS C++' cpp "$5" -std=c++17; fi
