/* A set of texts. Equal texts have the same number. */
#ifndef MALLOW_TEXTS_H
#define MALLOW_TEXTS_H

#include <stddef.h>
#include <stdint.h>

#include "common/index_map.h"

/* Initialized to zero. */
struct texts {
    char **list; /* number 0 is not used */
    size_t count;
    struct index_map numbers;
};

/* Returns the number of the text, which is not 0. The set keeps a copy. */
uint32_t texts_add(struct texts *texts, const char *text);

/* Returns the text with that number, or "" for 0. It is valid until texts_free(). */
const char *texts_get(const struct texts *texts, uint32_t number);

void texts_free(struct texts *texts);

#endif
