#!/bin/sh
# faketime.sh LIBRARY: libfaketime works with the library preloaded, in any order and mode, and
# neither of them prints a message.
library=$1
faketime=$(ls /usr/lib/*/faketime/libfaketime.so.1 2>/dev/null | head -n 1)
[ -n "$faketime" ] || exit 77
for order in "$faketime:$library" "$library:$faketime"; do
    for mode in check=free check=full check=hard control=on; do
        said=$(LD_PRELOAD=$order MALLOW_OPTIONS=$mode FAKETIME='2020-01-01 00:00:00' \
            date +%Y 2>&1)
        [ "$said" = 2020 ] || { echo "$order $mode: $said"; failed=1; }
    done
done
exit ${failed:-0}
