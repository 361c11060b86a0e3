#include "leak/leak_sort.h"

#include <string.h>

/* Heap sort; the root of the heap is the last element in the order. */
struct leak_sort_heap {
    char *list;
    size_t size;
    bool (*before)(const void *a, const void *b);
};

/* Moves the element `at` down to its place in the heap of the first `count` elements. */
static void leak_sort_sink(const struct leak_sort_heap *s, size_t at, size_t count) {
    char moved[LEAK_SORT_MAX];
    memcpy(moved, s->list + at * s->size, s->size);
    for (size_t child; (child = 2 * at + 1) < count; at = child) {
        char *first = s->list + child * s->size;
        if (child + 1 < count && s->before(first, first + s->size)) first += s->size, child++;
        if (!s->before(moved, first)) break;
        memcpy(s->list + at * s->size, first, s->size);
    }
    memcpy(s->list + at * s->size, moved, s->size);
}

void leak_sort(void *list, size_t count, size_t size,
               bool (*before)(const void *a, const void *b)) {
    struct leak_sort_heap s = {list, size, before};
    for (size_t i = count / 2; i-- > 0;) leak_sort_sink(&s, i, count);
    for (size_t i = count; i-- > 1;) {
        char last[LEAK_SORT_MAX];
        memcpy(last, s.list + i * size, size);
        memcpy(s.list + i * size, s.list, size);
        memcpy(s.list, last, size);
        leak_sort_sink(&s, 0, i);
    }
}

bool leak_is_range_before(const void *a, const void *b) {
    return *(const uintptr_t *)a < *(const uintptr_t *)b;
}

size_t leak_find_range(const void *list, size_t count, size_t size, uintptr_t address) {
    size_t low = 0, high = count;
    while (low < high) {
        size_t middle = (low + high) / 2;
        const uintptr_t *range = (const void *)((const char *)list + middle * size);
        if (range[1] <= address)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}
