#!/bin/sh
# 'mallow run' sets the program's environment so that Mallow is loaded first and has its options.
. "${0%/*}/lib.sh"

try "$mallow" run sh -c 'echo "$LD_PRELOAD"; cat /proc/$$/maps'
expect_status 0
expect_line out '^/.*/libmallow\.so[.0-9]*$'
expect_line out ' /.*/libmallow\.so'

# Libraries that are already in LD_PRELOAD come after Mallow.
other=$(ldd /bin/sh | sed -n 's/.* => \(.*libc\.so\.6\) .*/\1/p')
LD_PRELOAD=$other try "$mallow" run sh -c 'echo "$LD_PRELOAD"'
expect_status 0
expect_line out "^/.*/libmallow\.so[.0-9]*:$other$"

# stats_pid limits the summary to the program's process. Existing options are kept.
MALLOW_OPTIONS=retain=0 try "$mallow" run sh -c 'echo "$MALLOW_OPTIONS" pid $$'
expect_status 0
expect_line out '^control=on,symbolizer=/[^,]*,retain=0,stats=exit,stats_pid=([0-9]+),stats_page=/proc/[0-9]+/fd/[0-9]+ pid \1$'

cd "$work" || exit
try "$mallow" run --json --log=file sh -c 'echo "$MALLOW_OPTIONS"'
expect_status 0
expect_line out "^control=on,symbolizer=$mallow,stats_format=json,log=$work/file,stats=exit,stats_pid=[0-9]+,stats_page=/proc/[0-9]+/fd/[0-9]+$"
try "$mallow" run --log=/dev/null sh -c 'echo "$MALLOW_OPTIONS"'
expect_line out '^control=on,symbolizer=[^,]*,log=/dev/null,stats=exit,stats_pid=[0-9]+,stats_page=.*$'

# An existing option, or an option of the command, overrides a default because it comes later.
MALLOW_OPTIONS=control=off try "$mallow" run sh -c 'echo "$MALLOW_OPTIONS"'
expect_line out '^control=on,symbolizer=[^,]*,control=off,stats=exit'
try "$mallow" run --no-control sh -c 'echo "$MALLOW_OPTIONS"; grep Threads /proc/$$/status'
expect_line out '^control=on,symbolizer=[^,]*,control=off,stats=exit'
expect_line out '^Threads:.1$'

# --check also preloads the library of checks.
try "$mallow" run --check sh -c 'echo "$LD_PRELOAD $MALLOW_OPTIONS"'
expect_status 0
expect_line out '^/.*/libmallow\.so[.0-9]*:/.*/libmallow-check\.so check=full,control=on,symbolizer=/'

# The library is found if the command is a symbolic link. If it is missing, there is a message.
ln -s "$mallow" "$work/link"
try "$work/link" run true
expect_status 0
cp "$mallow" "$work/alone"
try "$work/alone" run true
expect_status 125
expect_line err "^mallow run: libmallow\.so\.[0-9]+ is neither in $work nor in "

# LD_PRELOAD and MALLOW_OPTIONS cannot express every path. Processes that the program starts still
# find Mallow, even after the command has ended.
for name in 'a b' 'p,x' 'c:d' 'e$LIB' 'f${ORIGIN}, g:h'; do
    mkdir "$work/$name"
    cp -P "${mallow%/*}"/libmallow*.so* "$mallow" "$work/$name"
    try "$work/$name/mallow" run --check sh -c 'sh -c "cat /proc/self/maps"; exit 3'
    expect_status 3
    grep -qF "$work/$name/libmallow.so" "$work/out" || failed "not preloaded from '$name'"
    grep -qF "$work/$name/libmallow-check.so" "$work/out" || failed "no checks from '$name'"
    try "$work/$name/mallow" run sh -c 'echo "$MALLOW_OPTIONS"'
    symbolizer=$(sed -n 's/.*symbolizer=\([^,]*\),.*/\1/p' "$work/out")
    [ "$symbolizer" -ef "$work/$name/mallow" ] || failed "the symbolizer of '$name' is not found"
done

# A copy of the library without the build's symbolic links.
mkdir "$work/copy"
cp "${mallow%/*}"/libmallow.so "$mallow" "$work/copy"
try "$work/copy/mallow" run true
expect_status 0
