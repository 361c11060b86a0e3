#!/bin/sh
# A real program whose calls are checked prints the same output as without the libraries, and
# nothing is reported.
#     real_program.sh LIBRARIES COMMAND...
set -u
libraries=$1
shift

. "${0%/*}/../support/empty_home.sh"

failed() {
    echo "$1" >&2
    tail -n 30 "$work/err" >&2
    exit 1
}

run "$@" >"$work/expected" 2>"$work/err" </dev/null || failed "exit status $? without libraries"
run LD_PRELOAD="$libraries" "$@" >"$work/out" 2>"$work/err" </dev/null || failed "exit status $?"
! grep -q '^mallow: ' "$work/err" || failed "false reports"
cmp "$work/expected" "$work/out" || failed "the output differs"
