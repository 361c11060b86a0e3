#!/bin/sh
# 'mallow run' exits with the program's status. If the program cannot be run, the status is 126 or
# 127, as in a shell.
. "${0%/*}/lib.sh"

for expected in 0 1 77 255; do
    try "$mallow" run -- sh -c "exit $expected"
    expect_status "$expected"
    expect_nothing out
done

try "$mallow" run sh -c 'kill -SEGV $$'
expect_status 139
expect_line err '^mallow run: the program was killed by signal 11 \('
try "$mallow" run sh -c 'kill -INT $$'
expect_status 130

try "$mallow" run -- no-such-program-anywhere
expect_status 127
expect_line err "^mallow run: cannot run 'no-such-program-anywhere': No such file or directory$"
try "$mallow" run -- "$work/absent/program"
expect_status 127
try "$mallow" run -- ''
expect_status 127

touch "$work/plain"
try "$mallow" run -- "$work/plain"
expect_status 126
expect_line err "^mallow run: cannot run '$work/plain': Permission denied$"
try "$mallow" run -- "$work"
expect_status 126

# A file in PATH that is not executable is skipped if a later directory has an executable one.
mkdir "$work/first" "$work/second"
echo 'exit 7' >"$work/first/tool"
echo 'exit 8' >"$work/second/tool"
PATH="$work/first:$PATH" try "$mallow" run -- tool
expect_status 126
chmod +x "$work/second/tool"
PATH="$work/first:$work/second:$PATH" try "$mallow" run -- tool
expect_status 8
cd "$work/second" || exit
PATH=":$PATH" try "$mallow" run -- tool
expect_status 8
