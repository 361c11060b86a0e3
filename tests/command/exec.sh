#!/bin/sh
# 'mallow run --exec' becomes the program, and --guard finds the access that uses a freed block.
. "${0%/*}/lib.sh"
used=$2

# The process becomes the program, so a service manager sees its number, signals and end directly.
mkfifo "$work/ready"
env --default-signal "$mallow" run --exec -- sh -c \
    "trap 'echo hit >\"$work/hit\"' USR1; cat /proc/\$\$/maps >'$work/maps'; echo \$\$ >'$work/ready'
     while [ ! -e '$work/hit' ]; do sleep 0.05; done; kill -KILL \$\$" >"$work/out" 2>"$work/err" &
tried='mallow run --exec sh'
read -r number <"$work/ready"
[ "$number" = $! ] || failed "the program is process $number, not $!"
grep -q 'libmallow\.so' "$work/maps" || failed 'the program does not run on Mallow'
kill -USR1 $!
wait $! 2>/dev/null
status=$?
expect_status 137
expect_nothing err

try "$mallow" run --exec -- no-such-program-anywhere
expect_status 127
try "$mallow" run --exec -- sh -c 'echo "$MALLOW_OPTIONS"'
expect_line out '^control=on,symbolizer=[^,]*$'

# The report names the line of the access, not the place of a later check.
for option in --guard --guard=1; do
    try "$mallow" run --no-summary $option -- "$used"
    expect_status 134
    expect_line err '^mallow: use after free'
    expect_line err '#0 .* in read_block at .*used\.c:7 '
    try "$mallow" run --no-summary $option -- "$used" write
    expect_status 134
    expect_line err '#0 .* in write_block at .*used\.c:8 '
done
try "$mallow" run --no-summary --check -- "$used" write
expect_status 134
expect_line err "^  'mallow run --guard' \(guard=1\) stops the program at the access itself$"
try "$mallow" run --no-summary --guard=1000 sh -c 'echo "$MALLOW_OPTIONS"'
expect_line out ',guard=1000$'
try "$mallow" run --guard=x true
expect_status 125
expect_line err "^mallow run: --guard='x' is not a number"
