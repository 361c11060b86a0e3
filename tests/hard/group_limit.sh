#!/bin/sh
# Runs a program under the library in its own memory control group, limited to BYTES.
#     group_limit.sh LIBRARY BYTES PROGRAM [ARGUMENT...]
# Exits with status 77 (skipped) if no such group can be created.
set -u
library=$1 limit=$2
shift 2

# Version 1, or version 2 if it allows memory limits for the root's children.
if [ -e /sys/fs/cgroup/memory/memory.limit_in_bytes ]; then
    group=/sys/fs/cgroup/memory/mallow-test-$$ file=memory.limit_in_bytes
elif grep -qw memory /sys/fs/cgroup/cgroup.subtree_control 2>/dev/null; then
    group=/sys/fs/cgroup/mallow-test-$$ file=memory.max
else
    exit 77
fi
mkdir "$group" 2>/dev/null || exit 77
trap 'rmdir "$group"' EXIT
{ echo "$limit" >"$group/$file"; } 2>/dev/null || exit 77
# The group can be removed only when it is empty, so a shell that ends before joins it.
# shellcheck disable=SC2016 # expanded inside
sh -c '{ echo $$ >"$0/cgroup.procs"; } 2>/dev/null || exit 77
    library=$1
    shift
    LD_PRELOAD=$library exec "$@"' "$group" "$library" "$@"
