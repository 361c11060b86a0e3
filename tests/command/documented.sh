#!/bin/sh
# Every subcommand and option of the help is in the manual page and in the completions, and the bash
# completion works.
. "${0%/*}/lib.sh"
root=$2
export LC_ALL=C
: >"$work/err"

words() {
    "$mallow" "$@" --help | sed -n 's/^  \(-[a-zA-Z], \)\{0,1\}\(--\)\{0,1\}\([a-z-]*\).*/\3/p'
}

files='docs/man/mallow.1 completions/mallow.bash completions/_mallow completions/mallow.fish'
for file in $files; do
    # The words of a file, one a line.
    sed 's/\\-/-/g' "$root/$file" | grep -oE '[a-z-]+' | sed 's/^--*//' | sort -u >"$work/${file##*/}"
done
for name in '' run trim stats info leaks mtrace symbolize; do
    # shellcheck disable=SC2086 # no word, or one
    words $name
done | sort -u >"$work/words"
for file in $files; do
    tried="words of the help that are not in $file"
    comm -23 "$work/words" "$work/${file##*/}" >"$work/out"
    expect_nothing out
done

# Prints bash's completions of the command line "$@", one a line.
words_after() {
    bash -c '
        . "$1/completions/mallow.bash"
        compopt() { :; }
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _mallow
        printf "%s\n" "${COMPREPLY[@]}"' bash "$root" "$@" >"$work/out"
    tried="completing: $*"
}

words_after mallow r
expect_line out '^run$'
words_after mallow run --j
expect_line out '^--json$'
words_after mallow run --json --log = "$root/LIC"
expect_line out '/LICENSE$'
words_after mallow run --json -- pr
expect_line out '^printf$'
words_after mallow tr
expect_line out '^trim$'
words_after mallow trim --p
expect_line out '^--pad=$'
words_after mallow info $$
expect_line out "^$$\$"
words_after mallow mtrace --j
expect_line out '^--json$'
words_after mallow mtrace "$root/LIC"
expect_line out '/LICENSE$'
