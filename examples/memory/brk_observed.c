/* Observes the program break, the end of the process's first heap, which sbrk(0) returns. glibc's
 * malloc moves it for small blocks and uses mappings for large ones; other mallocs leave it alone.
 *
 * Nothing else should move it. A process has one break. Memory below it can be given back only from
 * the top down, and a malloc that finds that the break has moved must leave a hole. No size is
 * reserved for it, so a mapping or a limit (RLIMIT_DATA) can end its growth at any time.
 *
 *     $ brk_observed
 *     4 MiB in small blocks move the break by <number> KiB
 *     a block of 64 MiB moves it by 0 KiB
 *     free of all small blocks except the newest moves it by 0 KiB
 *     free of the newest moves it by <number> KiB
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { BLOCKS = 4096, SMALL = 1024, LARGE = 64 << 20 };

/* Returns how far the break has moved since the last call, in KiB. */
static long moved(void) {
    static char *before;
    char *now = sbrk(0);
    long kib = before == NULL ? 0 : (now - before) / 1024;
    before = now;
    return kib;
}

int main(void) {
    static char *blocks[BLOCKS];
    static char buffer[BUFSIZ]; /* otherwise printf allocates a buffer, which keeps the break up */
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    moved();
    for (int i = 0; i < BLOCKS; i++) blocks[i] = malloc(SMALL);
    printf("4 MiB in small blocks move the break by %ld KiB\n", moved());
    char *large = malloc(LARGE);
    printf("a block of 64 MiB moves it by %ld KiB\n", moved());
    free(large);
    for (int i = 0; i < BLOCKS - 1; i++) free(blocks[i]);
    printf("free of all small blocks except the newest moves it by %ld KiB\n", moved());
    free(blocks[BLOCKS - 1]);
    printf("free of the newest moves it by %ld KiB\n", moved());
}
