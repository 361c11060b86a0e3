#!/bin/sh
# symbols.sh LIBRARY ALLOWED: the library uses no names of other objects except those in the list.
set -e
names=$(sed 's/ *#.*//' "$2" | grep .)
left=$(nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); print $2 }' |
    grep -vxF "$names" || true)
[ -z "$left" ] || { echo "not in $2:"; echo "$left"; exit 1; }
