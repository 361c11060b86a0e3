#!/bin/sh
# libmallow-check.so works together with Heaptrack, whose heap functions call memory functions
# before any constructor has run. The program ends normally, and nothing is reported.
#     heaptrack.sh LIBRARIES COMMAND...
set -u
libraries=$1
shift
heaptrack=/usr/lib/heaptrack/libheaptrack_preload.so
[ -e "$heaptrack" ] || exit 77

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
env LD_PRELOAD="$heaptrack:$libraries" DUMP_HEAPTRACK_OUTPUT="$work/raw" "$@" 2>"$work/err"
status=$?
cat "$work/err" >&2
[ $status = 0 ] && ! grep -q '^mallow: ' "$work/err"
