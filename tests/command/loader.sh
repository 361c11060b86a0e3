#!/bin/sh
# If the program is the dynamic loader, as in some bundles, the program that it loads runs on Mallow
# and is the one that reports name.
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

# Without the command, which looks up names, frames are offsets in the program.
try env LD_PRELOAD="$library" "$loader" "$program" twice
expect_status 134
expect_line err "#0 .* in $program\+0x"

# The loader alone runs normally. A static program is refused, even if the loader loads it.
try "$mallow" run -- "$loader" --version
expect_status 0
try "$mallow" run -- "$loader" "$static"
expect_status 125
expect_line err "^mallow run: '$static' is statically linked"
