/* A library that loses blocks. */
#include <stdlib.h>
#include <string.h>

void library_lose_a_block(void);
void library_lose_a_block(void) {
    char *volatile block = malloc(2000);
    if (block == NULL) abort();
    memset(block, 1, 2000);
    block = NULL;
    (void)block;
}
