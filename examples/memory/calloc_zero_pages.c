/* Compares calloc with malloc and memset for a large block. calloc knows that pages which come from
 * the kernel are zero and writes none of them, so memory is used only when the program writes to
 * it. memset writes each page at once. Therefore, memory that calloc has promised can still be
 * missing at the first write.
 *
 *     $ calloc_zero_pages
 *     calloc of 64 MiB: almost nothing is in memory
 *     one page written: almost nothing is in memory
 *     malloc and memset of 64 MiB: all of it is in memory
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { BYTES = 64 << 20 };

/* Prints how much of the block is in memory. Leaves out the page that has its beginning. */
static void show(const char *title, char *block) {
    static unsigned char resident[BYTES / 4096];
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *first = block + (page - (uintptr_t)block % page);
    size_t pages = BYTES / page - 1, found = 0;
    if (mincore(first, pages * page, resident) != 0) exit(1);
    for (size_t i = 0; i < pages; i++) found += resident[i] & 1;
    printf("%s: %s is in memory\n", title,
           found == pages       ? "all of it"
           : found < pages / 10 ? "almost nothing"
                                : "a part of it");
}

/* Otherwise the compiler may see that no code reads the block, or replace the pair by calloc. */
static void *hidden(void *block) {
    __asm__ volatile("" : "+r"(block)::"memory");
    return block;
}

int main(void) {
    char *zeroed = hidden(calloc(1, BYTES));
    if (zeroed == NULL) return 1;
    show("calloc of 64 MiB", zeroed);
    zeroed[BYTES / 2] = 1;
    show("one page written", zeroed);

    char *written = hidden(malloc(BYTES));
    if (written == NULL) return 1;
    memset(written, 0, BYTES);
    show("malloc and memset of 64 MiB", written);
    free(written);
    free(zeroed);
}
