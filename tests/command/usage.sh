#!/bin/sh
# Help and version go to standard output; a mistake is named on standard error, with a way on.
. "${0%/*}/lib.sh"

for arguments in --help 'run --help' 'trim --help' 'stats --help' 'info --help' \
    'leaks --help' 'mtrace --help' 'symbolize --help'; do
    # shellcheck disable=SC2086 # a list of words
    try "$mallow" $arguments
    expect_status 0
    expect_line out '^Usage: mallow '
    expect_nothing err
done
for arguments in --version 'run --version' 'trim --version' 'stats --version' \
    'info --version' 'leaks --version' 'mtrace --version' 'symbolize --version'; do
    # shellcheck disable=SC2086
    try "$mallow" $arguments
    expect_status 0
    expect_line out '^mallow [0-9]+\.[0-9]+\.[0-9]+$'
    expect_nothing err
done
try sh -c "'$mallow' --help >/dev/full"
expect_status 125
expect_line err '^mallow: standard output: No space left on device$'

try "$mallow"
expect_status 125
expect_line err "^mallow: no subcommand given; try 'mallow --help'$"
try "$mallow" rum
expect_status 125
expect_line err "^mallow: unknown subcommand 'rum'; try 'mallow --help'$"
try "$mallow" run
expect_status 125
expect_line err "^mallow run: no program given; try 'mallow run --help'$"
try "$mallow" run --jsn true
expect_status 125
expect_line err "^mallow run: unrecognized option '--jsn'$"
try "$mallow" run --log=a,b true
expect_status 125
expect_line err "^mallow run: --log='a,b': "

for name in trim stats info leaks; do
    try "$mallow" $name
    expect_status 125
    expect_line err "^mallow $name: one PID is needed; try 'mallow $name --help'$"
done
for argument in x 0 -5x 12x 99999999999 ''; do
    try "$mallow" stats -- "$argument"
    expect_status 125
    expect_line err "^mallow stats: '$argument' is not a process number$"
done
try "$mallow" trim --pad=1x 1
expect_status 125
expect_line err "^mallow trim: --pad='1x': not a number of bytes$"

try "$mallow" mtrace
expect_status 125
expect_line err "^mallow mtrace: a log is needed; try 'mallow mtrace --help'$"

# The program's own options are left alone.
try "$mallow" run sh -c 'echo "$1"' sh --help
expect_status 0
expect_line out '^--help$'
