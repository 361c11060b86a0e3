#!/bin/sh
# Runs a command on the system's malloc and on Mallow: both must succeed and print the same.
# Usage: compare.sh LIBRARY PROGRAM COMMAND...
# PROGRAM is the program under test, which any process of the command may start. The loader's log
# must show that the library was loaded into it. The command runs in an empty directory, which is
# also its home.

set -u
library=$1
program=$2
shift 2

. "${0%/*}/../support/empty_home.sh"

failed() {
    echo "$program: $1" >&2
    shift
    [ $# = 0 ] || tail -n 30 "$@" >&2
    exit 1
}

run "$@" >"$work/expected" 2>"$work/err" </dev/null ||
    failed "exit status $? on the system's malloc" "$work/err"
[ -s "$work/expected" ] || failed "printed nothing on the system's malloc" "$work/err"

run LD_PRELOAD="$library" LD_DEBUG=libs LD_DEBUG_OUTPUT="$work/loader" "$@" \
    >"$work/out" 2>"$work/err" </dev/null ||
    failed "exit status $? on Mallow" "$work/err"

# The loader records "calling init: LIBRARY" for each library before "initialize program: PROGRAM",
# in a file for each process; a process that executes several programs has them all in its file.
awk -v library="$library" -v program="$program" '
    FNR == 1 { loaded = 0 }
    sub(/.*calling init: /, "") && $0 == library { loaded = 1 }
    sub(/.*initialize program: /, "") {
        sub(/.*\//, "")
        if ($0 == program) { started = 1; if (!loaded) without = 1 }
        loaded = 0
    }
    END { exit started ? without ? 1 : 0 : 2 }' "$work"/loader.*
case $? in
0) ;;
1) failed "ran without the library" ;;
*) failed "was never started" ;;
esac

grep '^mallow: ' "$work/err" >"$work/complaints" &&
    failed "messages of Mallow:" "$work/complaints"
cmp -s "$work/expected" "$work/out" ||
    failed "prints something else on Mallow; the expected output comes first:" \
        "$work/expected" "$work/out"
