#!/bin/sh
# 'mallow symbolize' replaces frames by functions and lines, wherever the debug information is, and
# copies all other text.
# Usage: symbolize.sh MALLOW LIBRARY FRAMES FRAMES_CXX
. "${0%/*}/lib.sh"

library=$2
cp "$3" "$work/frames"
cp "$4" "$work/frames_cxx"

# Filters the output of program $1.
symbolize() {
    "$1" >"$work/frames.txt"
    try sh -c "'$mallow' symbolize <'$work/frames.txt'"
    expect_status 0
    expect_nothing err
}

# Prints the number of the line of source $1 that has the comment $2.
line_of() {
    grep -n -e "$2" "${0%/*}/$1" | cut -d: -f1
}

# Expects a frame of function $2 (an extended regular expression), at the line of source $1 with the
# comment $3, that ends with $4.
expect_frame() {
    expect_line out "^    #0 0x[0-9a-f]+ in $2 at [^ ]*$1:$(line_of "$1" "$3") $4\$"
}

expect_lines_of_c() {
    end="\\($work/$1\\+0x[0-9a-f]+\\)"
    expect_frame frames.c outer "outer's line" "$end"
    expect_frame frames.c innermost "innermost's line" '\(inlined\)'
    expect_frame frames.c between "between's line" '\(inlined\)'
    expect_frame frames.c inlining "inlining's line" "$end"
}

expect_names_of_rust() {
    expect_line out ' in example::parse::from_bytes '
    expect_line out ' in <example::parse::Parser>::next '
}

symbolize "$work/frames"
expect_lines_of_c frames
expect_names_of_rust
[ "$(wc -l <"$work/out")" = 6 ] || failed "expected 4 frames and 2 inlined ones"

symbolize "$work/frames_cxx"
expect_frame frames_cxx.cpp 'shop::Basket<long>::add\(long, char const\*\)' 'the line of add' \
    "\\($work/frames_cxx\\+0x[0-9a-f]+\\)"
expect_frame frames_cxx.cpp 'shop::inner(\(\))?' 'the line of inner' '\(inlined\)'

# Debug information without an index of addresses, and clang's, with names inside of namespaces.
objcopy --remove-section .debug_aranges "$work/frames" "$work/noindex"
symbolize "$work/noindex"
expect_lines_of_c noindex
if command -v clang++ >/dev/null; then
    clang++ -g -O2 "${0%/*}/frames_cxx.cpp" -o "$work/clang"
    symbolize "$work/clang"
    expect_frame frames_cxx.cpp 'shop::inner(\(\))?' 'the line of inner' '\(inlined\)'
    expect_frame frames_cxx.cpp 'shop::outer(\(\))?' 'the line of outer' \
        "\\($work/clang\\+0x[0-9a-f]+\\)"
fi

# The command itself does not run on the library, even if the environment of the reporting program
# preloads it.
tried="symbolize under the library"
"$work/frames" | LD_PRELOAD=$library MALLOW_OPTIONS=stats=exit,bogus=1 "$mallow" symbolize \
    >"$work/out" 2>"$work/err"
expect_lines_of_c frames
! grep -q '== Mallow' "$work/err" || failed "the command ran on the library"

# Debug information in a separate file, next to the program and in .debug.
objcopy --only-keep-debug "$work/frames" "$work/frames.debug"
objcopy --strip-all --add-gnu-debuglink="$work/frames.debug" "$work/frames" "$work/apart"
symbolize "$work/apart"
expect_lines_of_c apart
mkdir "$work/.debug"
mv "$work/frames.debug" "$work/.debug"
symbolize "$work/apart"
expect_lines_of_c apart

# Without that file, only the dynamic symbols are left.
rm -r "$work/.debug"
symbolize "$work/apart"
expect_line out " in outer \\($work/apart\\+0x[0-9a-f]+\\)\$"
expect_line out " in inlining \\($work/apart\\+0x[0-9a-f]+\\)\$"
expect_names_of_rust

# A frame without any symbol, or whose file does not exist, is copied.
strip "$work/frames_cxx"
symbolize "$work/frames_cxx"
cmp "$work/frames.txt" "$work/out" || failed "an unknown frame is not copied"
cat >"$work/text" <<'END'
mallow: double free of 0x7f12a4c0 (slot 3 of a 48-byte slab, thread 4711)
    #0 0x12 in /no/such/file+0x10
    #1 0x12 in [vdso]+0x10
    #2 0x12 in /proc/self/maps+0x10
    #3 0x12 in
    #4 0x12 in +0x10
    #5 0x12 in /a+0x10 b

END
printf 'no end \0 of\tline' >>"$work/text"
try sh -c "'$mallow' symbolize <'$work/text'"
cmp "$work/text" "$work/out" || failed "other lines are not copied"

# Each line is written at once, before the next one is read.
mkfifo "$work/in"
"$mallow" symbolize <"$work/in" >"$work/out" &
exec 3>"$work/in"
echo first >&3
tried="the first line of two"
tries=0
until [ -s "$work/out" ]; do
    tries=$((tries + 1))
    [ $tries -lt 3000 ] || failed "no answer"
    sleep 0.01
done
exec 3>&-
wait

try "$mallow" symbolize file
expect_status 125
expect_line err "^mallow symbolize: unexpected argument 'file'; try 'mallow symbolize --help'$"
try sh -c "echo x | '$mallow' symbolize >/dev/full"
expect_status 125
