#!/bin/sh
# 'mallow run' writes one summary at the end, for the program but not for its children, to standard
# error or to a log.
. "${0%/*}/lib.sh"

try "$mallow" run bash -c '(exit 0); cat /dev/null; exit 4'
expect_status 4
expect_nothing out
expect_line err '^== Mallow: memory of bash, process [0-9]+'
[ "$(grep -c Mallow: "$work/err")" = 1 ] || failed "more than one summary"

# Summaries are appended to a log, so that several programs can share it.
cd "$work" || exit
for name in bash python3; do
    try "$mallow" run --json --log=figures /usr/bin/$name -c 'exit'
    expect_nothing err
done
try python3 -c '
import json, sys
runs = [json.loads(line) for line in open("figures")]
assert len(runs) == 2 and runs[0]["pid"] != runs[1]["pid"], runs
for run in runs:
    assert 0 < run["live_bytes"] <= run["live_peak_bytes"] <= run["resident_peak_bytes"], run
    assert run["live_blocks"] == run["allocations"] - run["frees"], run'
expect_status 0
