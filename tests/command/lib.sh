# Sourced by the command's shell tests. Sets mallow to the command and work to a temporary
# directory.
# shellcheck shell=sh disable=SC2034

set -u
unset MALLOW_OPTIONS LD_PRELOAD
mallow=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Runs a command. Its exit status is in $status, its output in the files out and err of $work.
try() {
    tried="$*"
    "$@" >"$work/out" 2>"$work/err"
    status=$?
}

failed() {
    echo "$tried: $1" >&2
    sed 's/^/  out: /' "$work/out" >&2
    sed 's/^/  err: /' "$work/err" >&2
    exit 1
}

expect_status() {
    [ "$status" = "$1" ] || failed "exit status $status, not $1"
}

# A line of stream $1 ("out" or "err") must match the extended regular expression $2.
expect_line() {
    grep -qE -e "$2" "$work/$1" || failed "no line in '$1' matches: $2"
}

expect_nothing() {
    [ ! -s "$work/$1" ] || failed "'$1' is not empty"
}
