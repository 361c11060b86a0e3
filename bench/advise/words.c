/* Collects words in one text that grows by as much as it needs. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS = 40000, ROUNDS = 40 };

static char *text;
static size_t length, room;

static void add(const char *word, size_t bytes) {
#ifdef AFTER
    if (room - length < bytes) text = realloc(text, room = (room + bytes) * 2);
#else
    text = realloc(text, room = length + bytes);
#endif
    if (text == NULL) abort();
    memcpy(text + length, word, bytes);
    length += bytes;
}

int main(void) {
    unsigned long sum = 0;
    for (int round = 0; round < ROUNDS; round++) {
        for (int i = 0; i < WORDS; i++) add("some word ", 10);
        sum += length;
        free(text);
        text = NULL;
        length = room = 0;
    }
    printf("%lu\n", sum);
    return 0;
}
