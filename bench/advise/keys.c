/* Hashes keys, of which it makes copies in lower case. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef AFTER
#    include <mallow/scratch.h>
#endif

enum { KEYS = 10000000, KEPT = 4000 };

static unsigned hash_key(const char *key, size_t length) {
    unsigned hash = 0;
#ifdef AFTER
    MALLOW_SCRATCH(scratch);
    char *copy = mallow_scratch_alloc(&scratch, length);
#else
    char *copy = malloc(length);
#endif
    if (copy == NULL) abort();
    for (size_t i = 0; i < length; i++) copy[i] = key[i] | ' ';
    for (size_t i = 0; i < length; i += 8) hash = hash * 31 + (unsigned char)copy[i];
#ifndef AFTER
    free(copy);
#endif
    return hash;
}

int main(void) {
    static const char text[] = "The_Keys_Are_Parts_Of_This_Text";
    static char *kept[KEPT]; /* what else the program has in memory */
    unsigned hash = 0;
    for (int i = 0; i < KEPT; i++) kept[i] = strdup(text + i % 16);
    for (int i = 0; i < KEYS; i++) hash += hash_key(text + i % 8, 16 + (size_t)i % 8);
    printf("%u %c\n", hash, *kept[7]);
    return 0;
}
