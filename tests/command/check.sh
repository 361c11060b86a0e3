#!/bin/sh
# 'mallow run --check' turns an error of a program into a report with functions and lines.
#     check.sh MALLOW PROGRAM STATIC-PROGRAM C++-PROGRAM SOURCES
. "${0%/*}/lib.sh"
program=$2
static_program=$3
cxx_program=$4
sources=$5

# Prints FILE:LINE of the first line of source $1 that matches $2.
at() {
    echo "$1:$(grep -n "$2" "$sources/$1" | head -n 1 | cut -d: -f1)"
}

aborted() {
    expect_status 134
    expect_line err '^mallow run: the program was killed by signal 6 \(Aborted\)$'
}

allocated=$(at checked.c 'allocated here')
freed=$(at checked.c 'freed here')
library='\(.*\+0x[0-9a-f]+\)$'

try "$mallow" run --check "$program" overflow
aborted
expect_line err '^mallow: heap overflow of .*, memset: write of 41 bytes at offset 0 of a block of 40'
expect_line err "^    #[0-9]+ 0x[0-9a-f]+ in overflow at .*/$(at checked.c 'written here') $library"
expect_line err "^    #0 0x[0-9a-f]+ in make_name at .*/$allocated $library"

try "$mallow" run --check "$program" unseen
aborted
expect_line err '^mallow: heap overflow of 0x[0-9a-f]+ \(after the end of a block of 40 bytes, thread .*, found by free$'
expect_line err "^    #0 0x[0-9a-f]+ in drop_name at .*/$freed $library"
expect_line err '^    #1 0x[0-9a-f]+ in overflow_unseen at '

try "$mallow" run --check "$program" thread
aborted
expect_line err '^mallow: double free of 0x[0-9a-f]+ \(a block of 40 bytes, thread '
expect_line err "^    #0 0x[0-9a-f]+ in drop_name at .*/$freed $library"
expect_line err '^    #2 0x[0-9a-f]+ in free_twice_in_thread at '
expect_line err "^  allocated by thread"
expect_line err "^  freed by thread"

try "$mallow" run --check "$program" fault
aborted
expect_line err '^mallow: heap overflow of .*, write at offset 100008$'
expect_line err "^    #0 0x[0-9a-f]+ in fault at .*/$(at checked.c 'faulting here') $library"

try "$mallow" run --check "$cxx_program"
aborted
expect_line err '^mallow: mismatched free of .*, allocated by new\[\], freed by delete$'
expect_line err "^    #0 0x[0-9a-f]+ in names::list::~list\(\) at .*/$(at checked_cxx.cpp 'freed here') $library"
expect_line err "^    #0 0x[0-9a-f]+ in names::list::list\(\) at .*/$(at checked_cxx.cpp 'allocated here') $library"

# Reports reach the log even if the standard streams are closed.
try "$mallow" run --check --log="$work/log" "$program" without_descriptors
expect_status 134
mv "$work/log" "$work/out"
expect_line out '^mallow: double free of '
expect_line out "^    #0 0x[0-9a-f]+ in drop_name at .*/$freed $library"

# A program without an error is not affected.
try "$mallow" run --check "$program"
expect_status 0

# The program does not notice the symbolizer's process: no SIGCHLD, no child to wait for, and the
# same errno.
for situation in children_counted children_ignored; do
    MALLOW_OPTIONS=on_error=report try "$mallow" run --check "$program" $situation
    expect_status 0
    expect_line err "^    #0 0x[0-9a-f]+ in drop_name at .*/$freed $library"
    [ "$(grep -c '^mallow: double free' "$work/err")" = 1 ] || failed 'reported twice'
done

# Frames are raw if the symbolizer cannot be started, or is missing.
raw="^    #0 0x[0-9a-f]+ in .*/$(basename "$program")\+0x[0-9a-f]+$"
try "$mallow" run --check "$program" shut_in
if [ $status != 77 ]; then
    aborted
    expect_line err "$raw"
fi
for path in /nonexistent /bin/false; do
    MALLOW_OPTIONS=symbolizer=$path try "$mallow" run --check "$program" twice
    aborted
    expect_line err "$raw"
done
try "$mallow" run --check "$program" without_descriptors
expect_status 134
tried='without files'
(ulimit -f 0 && "$mallow" run --check "$program" twice) 2>&1 | cat >"$work/err"
expect_line err "$raw"

# A program that is linked with the library takes its options from the environment.
MALLOW_OPTIONS=check=full,symbolizer=$mallow try "$static_program" twice
expect_status 134
expect_line err "^    #[0-9]+ 0x[0-9a-f]+ in drop_name at .*/$freed $library"
