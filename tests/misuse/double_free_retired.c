/* expect: mallow: (double|invalid) free of 0x */
#include "twin.h"

enum { COUNT = 20000 };

/* So many blocks that their slabs are given up once all of them are free. */
int main(void) {
    static void *volatile blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(100);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    MISUSE(free(blocks[COUNT / 2]));
    return 0;
}
