#!/bin/sh
# The loader can be the program, as bundles start theirs: what it loads runs on Mallow, and reports
# name that.
. "${0%/*}/lib.sh"
program=$2
static=$3
library=$4
loader=$(sed -n 's/.* \(\/.*\/ld[^ /]*\)$/\1/p' /proc/self/maps | head -n 1)
[ -x "$loader" ] || exit 77

for arguments in '' '--argv0 other' "--library-path /nowhere --inhibit-cache"; do
    # shellcheck disable=SC2086 # a list of words
    try "$mallow" run -- "$loader" $arguments "$program" twice
    expect_status 134
    expect_line err '^mallow: double free'
    expect_line err "#0 .* in .* at .*checked\.c:[0-9]+ \($program\+0x"
done
try "$mallow" run --check -- "$loader" "$program" twice
expect_status 134
expect_line err "#0 .* in .* at .*checked\.c:[0-9]+ \($program\+0x"

# Without the command, which looks names up, frames are places in the program.
try env LD_PRELOAD="$library" "$loader" "$program" twice
expect_status 134
expect_line err "#0 .* in $program\+0x"

# By itself it runs nothing; what cannot be preloaded into is refused, whoever loads it.
try "$mallow" run -- "$loader" --version
expect_status 0
try "$mallow" run -- "$loader" "$static"
expect_status 125
expect_line err "^mallow run: '$static' is statically linked"
