#!/bin/bash
# A workload for bash: arrays, strings, patterns, functions, pipelines and many forks.
declare -A table
state=1
number() {
    state=$(((state * 1103515245 + 12345) % 2147483648))
    REPLY=$((state / 65536 % $1))
}

for ((i = 0; i < 20000; i++)); do
    number 3000
    table[key$REPLY]+=" $i"
done
for key in "${!table[@]}"; do echo "$key${table[$key]}"; done | sort | sha256sum

text=
for ((i = 0; i < 5000; i++)); do
    number 10
    text+=$REPLY
done
echo "${#text} ${text//7/seven}" | sha256sum
[[ $text =~ (1+)(2+)(3*) ]] && echo "${BASH_REMATCH[*]}"

total=0
for ((i = 0; i < 150; i++)); do
    part=$(echo "${text:i:20}" | tr 0-9 a-j)
    ((total += ${#part}))
done
echo "$total"
mapfile -t lines < <(printf '%s\n' {1..5000})
echo "${#lines[@]} ${lines[4999]}"
