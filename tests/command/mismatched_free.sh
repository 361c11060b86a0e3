#!/bin/sh
# The setting mismatched_free: what is no error where a library has an operator delete of its own.
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

# Sizes are compared all the same; and where the case is another one no hint is given.
try "$mallow" run --check "$wrong"
expect_status 134
expect_line err '^mallow: mismatched free of .*, allocated by new\[\], freed by delete$'
try env MALLOW_OPTIONS=mismatched_free=ignore "$mallow" run --check "$wrong"
expect_status 134
expect_line err '^mallow: size mismatch of .*, size is 40, freed with 4$'
