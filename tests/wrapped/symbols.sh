#!/bin/sh
# symbols.sh LIBRARY ALLOWED: the library reaches other objects by the names in the list alone.
set -e
names=$(sed 's/ *#.*//' "$2" | grep .)
left=$(nm -D --undefined-only "$1" | awk '{ sub(/@.*/, "", $2); print $2 }' |
    grep -vxF "$names" || true)
[ -z "$left" ] || { echo "not in $2:"; echo "$left"; exit 1; }
