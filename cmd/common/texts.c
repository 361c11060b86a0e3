#include "common/texts.h"

#include <stdlib.h>
#include <string.h>

#include "common/xalloc.h"

/* FNV-1a */
static uint64_t texts_hash(const char *text) {
    uint64_t value = 0xcbf29ce484222325u;
    for (; *text != '\0'; text++) value = (value ^ (unsigned char)*text) * 0x100000001b3u;
    return value;
}

static uint32_t texts_append(struct texts *texts, char *text) {
    texts->list = xgrow(texts->list, texts->count, sizeof *texts->list);
    texts->list[texts->count] = text;
    return (uint32_t)texts->count++;
}

uint32_t texts_add(struct texts *texts, const char *text) {
    uint64_t key = texts_hash(text);
    uint32_t *number;
    /* A different text with this hash has taken the key: try the next one. */
    while (*(number = index_map_add(&texts->numbers, key)) != 0 &&
           strcmp(texts->list[*number], text) != 0)
        key++;
    if (*number != 0) return *number;
    if (texts->count == 0) texts_append(texts, NULL);
    return *number = texts_append(texts, xstrdup(text));
}

const char *texts_get(const struct texts *texts, uint32_t number) {
    return number == 0 ? "" : texts->list[number];
}

void texts_free(struct texts *texts) {
    for (size_t i = 1; i < texts->count; i++) free(texts->list[i]);
    free(texts->list);
    index_map_clear(&texts->numbers);
    *texts = (struct texts){.list = NULL};
}
