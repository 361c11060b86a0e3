#!/bin/sh
# 'mallow run' forwards signals to the program, and leaves the reaction to the program.
. "${0%/*}/lib.sh"

mkfifo "$work/ready"

# Sends signal $1 to the command while it runs a program whose trap for it is $2.
signal_to_trap() {
    tried="SIG$1 to a program with trap '$2'"
    # A shell without job control has its background jobs ignore SIGINT and SIGQUIT.
    env --default-signal "$mallow" run -- sh -c \
        "trap '$2' $1; echo \$PPID >'$work/ready'; while :; do sleep 0.05; done" \
        >"$work/out" 2>"$work/err" &
    read -r command <"$work/ready"
    kill -s "$1" "$command"
    wait $!
    status=$?
}

for signal in HUP INT QUIT TERM USR1 USR2; do
    signal_to_trap "$signal" 'exit 42'
    expect_status 42
done

# "-" is the default action: the signal kills the program.
signal_to_trap TERM -
expect_status 143
expect_line err '^mallow run: the program was killed by signal 15 \('

# The command notices the program's end even if it inherits an ignored SIGCHLD.
try env --ignore-signal=CHLD "$mallow" run sh -c 'exit 3'
expect_status 3

# The program inherits the ignored and blocked signals of the command's parent, without those that
# the command changes for itself.
mask_of() {
    sed -n "s/^$1:\t//p" "$work/out"
}
try env --default-signal --ignore-signal=CHLD --block-signal=USR2 \
    grep -E '^Sig(Blk|Ign|Cgt):' /proc/self/status
expected="$(mask_of SigBlk) $(mask_of SigIgn)"
try env --default-signal --ignore-signal=CHLD --block-signal=USR2 \
    "$mallow" run grep -E '^Sig(Blk|Ign|Cgt):' /proc/self/status
[ "$(mask_of SigBlk) $(mask_of SigIgn)" = "$expected" ] || failed "the masks are not $expected"
