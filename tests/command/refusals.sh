#!/bin/sh
# 'mallow run' refuses programs that the loader would run without Mallow, and says why.
. "${0%/*}/lib.sh"

static=$2
try "$mallow" run -- "$static"
expect_status 125
expect_line err "^mallow run: '$static' is statically linked.*libmallow\.a"

# The same program as the interpreter of a script, and of a script of a script.
printf '#! %s argument\n' "$static" >"$work/script"
printf '#!%s\n' "$work/script" >"$work/outer"
chmod +x "$work/script" "$work/outer"
for script in script outer; do
    try "$mallow" run -- "$work/$script"
    expect_status 125
    expect_line err 'is statically linked'
done
printf '#!/bin/sh\nexit 6\n' >"$work/script"
try "$mallow" run -- "$work/outer"
expect_status 6

# The two bytes at offset 18 of an ELF file name the architecture; 0xffff is none.
cp "$(command -v env)" "$work/foreign"
printf '\377\377' | dd of="$work/foreign" bs=1 seek=18 conv=notrunc 2>/dev/null
try "$mallow" run -- "$work/foreign"
expect_status 125
expect_line err 'built for a different architecture than libmallow\.so'

# Truncated and invalid programs get the kernel's error, without a crash.
head -c 100 "$(command -v env)" >"$work/short"
printf '\177ELF' >"$work/magic"
printf '#!' >"$work/hash"
chmod +x "$work/short" "$work/magic" "$work/hash"
for file in short magic hash; do
    try "$mallow" run -- "$work/$file"
    [ "$status" -lt 128 ] || failed "crashed"
done

# A program that is setuid for another user is refused; setuid for the current user is accepted.
if [ "$(id -u)" = 0 ]; then
    cp "$(command -v env)" "$work/setuid"
    chmod u+s "$work/setuid"
    try "$mallow" run -- "$work/setuid"
    expect_status 0
    chown 65534 "$work/setuid"
    chmod u+s "$work/setuid"
    try "$mallow" run -- "$work/setuid"
    expect_status 125
    expect_line err "^mallow run: '$work/setuid' gains privileges"
fi
