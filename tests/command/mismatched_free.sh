#!/bin/sh
# mismatched_free=ignore accepts blocks of new that are freed by free, as in a library that has its
# own operator delete.
#     mismatched_free.sh MALLOW PROGRAM-WITH-ERROR PROGRAM-WITHOUT
. "${0%/*}/lib.sh"
wrong=$2
hidden=$3

try "$mallow" run --check "$hidden"
expect_status 134
expect_line err '^mallow: mismatched free of .*, allocated by new, freed by free \(no error if .*mismatched_free=ignore'

try env MALLOW_OPTIONS=mismatched_free=ignore "$mallow" run --check "$hidden"
expect_status 0
expect_line out '^done$'
! grep -q mismatched "$work/err" || failed "a mismatch is reported"

# Sizes are still compared, and another mismatch gets no hint about the option.
try "$mallow" run --check "$wrong"
expect_status 134
expect_line err '^mallow: mismatched free of .*, allocated by new\[\], freed by delete$'
try env MALLOW_OPTIONS=mismatched_free=ignore "$mallow" run --check "$wrong"
expect_status 134
expect_line err '^mallow: size mismatch of .*, size is 40, freed with 4$'
