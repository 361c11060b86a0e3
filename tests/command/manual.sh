#!/bin/sh
# The manual pages are well-formed, and mallow(3) declares and describes every public function.
root=$1
command -v mandoc >/dev/null || exit 77

mandoc -T lint -W warning "$root"/docs/man/mallow.[137] "$root"/docs/man/mallow-profile.5 || exit 1

# Prints the function declarations of standard input. Those of the header and the page must agree.
declared() {
    tr '\n' ' ' | grep -oE '[a-z_]+ \*?\*?mallow_[a-z_]+\([^)]*\)' | tr -s ' ' | sort
}
header=$(sed 's:/\*.*\*/::' "$root/include/mallow.h" | declared)
page=$(mandoc -T ascii "$root/docs/man/mallow.3" | sed 's/.\x08//g' | sed -n '/^SYNOPSIS/,/^DESCRIPTION/p' |
    declared)
[ -n "$header" ] && [ "$header" = "$page" ] || {
    echo "mallow.h declares:" "$header" "mallow(3) has:" "$page" >&2
    exit 1
}
for name in $(echo "$header" | grep -oE 'mallow_[a-z_]+\('); do
    sed -n '/^.SH DESCRIPTION/,$p' "$root/docs/man/mallow.3" | grep -qF "${name%(}" || {
        echo "mallow(3) does not describe $name)" >&2
        exit 1
    }
done
