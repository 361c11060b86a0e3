#!/bin/sh
# If the program's heap is not Mallow's, the summary of 'mallow run' says so and counts no blocks.
#     other_heap.sh MALLOW ORDINARY-PROGRAM PROGRAM-WITH-ANOTHER-MALLOC...
. "${0%/*}/lib.sh"
ordinary=$2
shift 2

try "$mallow" run "$ordinary"
expect_status 0
expect_line err '^   [0-9]+ allocations, '

for program; do
    try "$mallow" run "$program"
    expect_status 0
    expect_line out '^done$'
    expect_line err "^   live .*unknown: the program does not use Mallow's malloc"
    ! grep -q 'allocations,' "$work/err" || failed "the summary counts allocations"
    try "$mallow" run --json "$program"
    expect_line err '"live_bytes":null,.*"allocations":null,.*"classes":\[\]'
done
