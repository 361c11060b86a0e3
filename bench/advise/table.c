/* Fills a large table, and looks numbers up in it. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef AFTER
#    include <mallow/map.h>
#endif

enum { ENTRIES = 16 << 20, LOOK_UPS = 4000000 };

static uint64_t *new_table(void) {
    size_t bytes = ENTRIES * sizeof(uint64_t);
#ifdef AFTER
    static struct mallow_map map;
    if (mallow_map_memory(bytes, 0, "table", &map) != MALLOW_OK ||
        mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_HUGE_PAGES) != MALLOW_OK)
        abort();
    return map.data;
#else
    uint64_t *table = malloc(bytes);
    if (table == NULL) abort();
    return table;
#endif
}

int main(void) {
    uint64_t *table = new_table(), sum = 0, random = 1;
    for (size_t i = 0; i < ENTRIES; i++) table[i] = i * 2654435761u;
    for (int i = 0; i < LOOK_UPS; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        sum += table[random >> 40];
    }
    printf("%lu\n", sum);
    return 0;
}
