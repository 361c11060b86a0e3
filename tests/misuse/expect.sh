#!/bin/sh
# Runs a faulty program and its correct twin with the library preloaded:
#     expect.sh LIBRARY SOURCE PROGRAM [ARGUMENT...]
# The first line of SOURCE, "/* expect: WHAT */", says what must happen to PROGRAM. If WHAT is the
# name of a signal, that signal must end PROGRAM. Otherwise SIGABRT must end it, and a line of its
# standard error must begin with a match of WHAT. With MALLOW_TEST_TWIN in its environment PROGRAM
# must succeed and write nothing to standard error.
set -u
library=$1 source=$2 program=$3
shift 3

ulimit -c 0
errors=$(mktemp) || exit 1
trap 'rm -f "$errors"' EXIT

run() {
    command=$*
    env LD_PRELOAD="$library" "$@" 2>"$errors"
    status=$?
}

fail() {
    printf '%s: %s; its standard error:\n' "$command" "$1" >&2
    cat "$errors" >&2
    exit 1
}

expected=$(sed -n '1s|^/\* expect: \(.*\) \*/$|\1|p' "$source")
case $expected in
'') echo "$source: its first line is not \"/* expect: WHAT */\"" >&2; exit 1 ;;
SIG*) signal=${expected#SIG} message= ;;
*) signal=ABRT message=$expected ;;
esac

run "$program" "$@"
[ "$status" -gt 128 ] && [ "$(kill -l $((status - 128)))" = "$signal" ] ||
    fail "expected SIG$signal, got exit status $status"
[ -z "$message" ] || grep -Eq "^$message" "$errors" ||
    fail "expected a line that begins with a match of '$message'"

export MALLOW_TEST_TWIN=1
run "$program" "$@"
[ "$status" -eq 0 ] || fail "expected success, got exit status $status"
[ ! -s "$errors" ] || fail "expected no message"
