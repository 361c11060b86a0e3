/* A container doubles: it allocates the new block, copies, and frees the old one. */
#include "program.h"

static NOINLINE int *planted(int *items, size_t count) {
    int *more = malloc(count * 2 * sizeof *items);
    memcpy(more, items, count * sizeof *items);
    free(items);
    return more;
}

int main(void) {
    size_t room = 16;
    int *items = malloc(room * sizeof *items);
    for (size_t i = 0; i < 5000000; i++) {
        if (i == room) {
            items = planted(items, room);
            room *= 2;
        }
        items[i] = (int)i;
    }
    return items[77] != 77;
}
