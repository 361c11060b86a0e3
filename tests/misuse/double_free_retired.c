/* expect: mallow: (double|invalid) free of 0x */
/* Frees a block a second time after its slab has retired: so many blocks are freed that their slabs
 * go back to the page heap. */
#include "twin.h"

enum { COUNT = 20000 };

int main(void) {
    static void *volatile blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(100);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    MISUSE(free(blocks[COUNT / 2]));
    return 0;
}
