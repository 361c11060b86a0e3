#!/bin/sh
# Every subcommand and option of the help is in the manual page, and the shells complete them.
. "${0%/*}/lib.sh"
root=$2
export LC_ALL=C
PATH=${mallow%/*}:$PATH
: >"$work/out"
: >"$work/err"

# Prints the subcommands or, for a subcommand, its options.
words() {
    mallow "$@" --help | sed -nE 's/^  (-[a-zA-Z], )?([a-z-]+=?).*/\2/p'
}

subcommands=$(words | grep -v -e '^-' -e '^help$')
tried='mallow --help'
[ "$(echo "$subcommands" | wc -l)" -ge 7 ] || failed 'fewer subcommands than before'

# Prints bash's completions of the command line "$@", one per line.
words_after() {
    bash -c '
        . "$1/completions/mallow.bash"
        compopt() { :; }
        shift
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _mallow "$1"
        printf "%s\n" "${COMPREPLY[@]}"' bash "$root" "$@" >"$work/out"
    tried="completing in bash: $*"
}

fish_words_after() {
    XDG_CONFIG_HOME=$work fish -c "source '$root/completions/mallow.fish'; complete -C '$*'" |
        cut -f 1 >"$work/out"
    tried="completing in fish: $*"
}

sed 's/\\-/-/g' "$root/docs/man/mallow.1" | grep -oE '[a-z-]+=?' | sort -u >"$work/manual"
for subcommand in '' $subcommands; do
    # shellcheck disable=SC2086 # no word, or one
    words $subcommand | sort >"$work/words"
    comm -23 "$work/words" "$work/manual" >"$work/out"
    tried="words of 'mallow${subcommand:+ $subcommand} --help' that are not in docs/man/mallow.1"
    expect_nothing out
    [ -n "$subcommand" ] || continue
    grep -qE "^\.SS .*mallow $subcommand\b" "$root/docs/man/mallow.1" ||
        failed 'no section describes it'
    words_after mallow "$subcommand" --
    sort -o "$work/out" "$work/out"
    cmp -s "$work/words" "$work/out" || failed 'not the options of the help'
    command -v fish >"$work/fish" || continue
    fish_words_after mallow "$subcommand" --
    sort -o "$work/out" "$work/out"
    sed -i 's/=$//' "$work/words"
    cmp -s "$work/words" "$work/out" || failed 'not the options of the help'
done

words_after mallow r
expect_line out '^run$'
words_after mallow help tr
expect_line out '^trim$'
words_after mallow run --json --log = "$root/LIC"
expect_line out '/LICENSE$'
words_after mallow run --json -- pr
expect_line out '^printf$'
words_after mallow info $$
expect_line out "^$$\$"
words_after mallow mtrace "$root/LIC"
expect_line out '/LICENSE$'
words_after mallow unknown --
[ "$(cat "$work/out")" = '' ] || failed 'words after an unknown subcommand'
if command -v fish >"$work/fish"; then
    fish_words_after mallow r
    expect_line out '^run$'
    fish_words_after "mallow info $$"
    expect_line out "^$$\$"
    fish_words_after "mallow run --log=$root/LIC"
    expect_line out '/LICENSE$'
    fish_words_after 'mallow run --json printf'
    expect_line out '^printf$'
fi
