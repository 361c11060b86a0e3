#!/bin/sh
# Usage: verify.sh MODEL holds|fails DEFINITION...
# Explores every state of the model. All assertions must hold; with a planted mistake one must fail.

set -eu
model=$1
expected=$2
shift 2

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

case $expected in
holds) optimize=-O1 limits='-m4000000 -b' ;; # a path too deep is an error (-b)
fails) optimize=-O0 limits='-m1000000 -w20' ;; # a mistake is found early, in little memory
esac
spin -a "$@" "$model"
"${CC:-cc}" -w "$optimize" -DSAFETY -DNOFAIR -DCOLLAPSE -DMEMLIM=1900 -o pan pan.c
# Deadlocks are not errors (-E): threads may wait for each other forever.
# shellcheck disable=SC2086 # a list of words
./pan $limits -E -n >log 2>&1 || true
cat log

case $expected in
holds) grep -q 'errors: 0$' log && ! grep -q 'Search not completed' log ;;
fails) grep -q 'assertion violated' log ;;
esac && exit

if [ "$expected" = holds ] && [ -f "${model##*/}.trail" ]; then
    spin -t -p -g "$@" "$model" | tail -n 200
fi
echo "verify.sh: not as expected: $*" >&2
exit 1
