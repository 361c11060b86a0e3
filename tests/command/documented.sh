#!/bin/sh
# Every subcommand and option of the help stands in the manual page and in the completions.
. "${0%/*}/lib.sh"
root=$2

words() {
    "$mallow" "$@" --help | sed -n 's/^  \(--\)\{0,1\}\([a-z-]*\).*/\2/p'
}

for word in $(words) $(words run) $(words trim) $(words stats) $(words info) $(words leaks) \
    $(words mtrace) $(words symbolize); do
    for file in docs/man/mallow.1 completions/mallow.bash completions/_mallow \
        completions/mallow.fish; do
        sed 's/\\-/-/g' "$root/$file" | grep -qw -e "$word" || {
            echo "$file does not know '$word'" >&2
            exit 1
        }
    done
done

# The bash completion of a command line of words, one a line.
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
