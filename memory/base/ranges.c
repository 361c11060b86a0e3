#include "base/ranges.h"

#include <string.h>

#include "base/kernel.h"

size_t ranges_find(const struct ranges *ranges, uintptr_t address) {
    size_t first = 0, end = ranges->count;
    while (first < end) {
        size_t middle = first + (end - first) / 2;
        if (ranges->at[middle].high > address)
            end = middle;
        else
            first = middle + 1;
    }
    return first;
}

bool ranges_reserve(struct ranges *ranges, size_t more) {
    if (more <= ranges->room - ranges->count) return true;
    size_t page = kernel_page();
    size_t old_bytes = ranges->room * sizeof(struct range);
    size_t bytes = 2 * old_bytes + more * sizeof(struct range);
    bytes = (bytes + page - 1) / page * page;
    struct range *larger = kernel_map(bytes, "mallow ranges");
    if (larger == NULL) return false;
    struct range *old = ranges->at;
    if (old != NULL) memcpy(larger, old, ranges->count * sizeof(struct range));
    ranges->at = larger;
    ranges->room = bytes / sizeof(struct range);
    if (old != NULL) kernel_unmap(old, (old_bytes + page - 1) / page * page);
    return true;
}

void ranges_insert(struct ranges *ranges, size_t index, struct range range) {
    struct range *at = &ranges->at[index];
    memmove(at + 1, at, (ranges->count - index) * sizeof *at);
    *at = range;
    ranges->count++;
}

void ranges_remove(struct ranges *ranges, size_t index) {
    struct range *at = &ranges->at[index];
    ranges->count--;
    memmove(at, at + 1, (ranges->count - index) * sizeof *at);
}

void ranges_split(struct ranges *ranges, uintptr_t address) {
    size_t index = ranges_find(ranges, address);
    if (index == ranges->count || ranges->at[index].low >= address) return;
    struct range upper = ranges->at[index];
    ranges->at[index].high = upper.low = address;
    ranges_insert(ranges, index + 1, upper);
}

void ranges_join(struct ranges *ranges, size_t first, size_t last) {
    for (size_t i = last; i > 0 && i >= first; i--) {
        if (i >= ranges->count) continue;
        struct range *lower = &ranges->at[i - 1], *upper = &ranges->at[i];
        if (lower->high != upper->low || lower->value != upper->value) continue;
        lower->high = upper->high;
        ranges_remove(ranges, i);
    }
}
