/* Words of settings. They are parts of the environment's strings, so they do not end with a null
 * byte. */
#ifndef MALLOW_WORD_H
#define MALLOW_WORD_H

#include <stdbool.h>
#include <stddef.h>

struct word {
    const char *text;
    size_t length;
};

#define WORD_PATH_ROOM 4096

bool word_is(struct word w, const char *text);

/* Returns the word without its first `count` bytes. */
struct word word_skip(struct word w, size_t count);

/* Returns the word without the spaces around it. */
struct word word_trim(struct word w);

/* Finds the word in `list`, whose words are separated by bars, and stores its position in *place.
 * Returns false if it is not in the list. */
bool word_find(struct word w, const char *list, size_t *place);

/* Reads a decimal or hexadecimal number with an optional k, m or g. */
bool word_parse_number(struct word w, size_t *value);

/* Reads a number as libc does: 010 is 8, and -1 is the largest number
 * (MALLOC_TRIM_THRESHOLD_=-1 turns trimming off). */
bool word_parse_libc_number(struct word w, size_t *value);

/* Copies a path. Returns NULL, or the reason why the word cannot be a path. */
const char *word_copy_path(struct word w, char path[WORD_PATH_ROOM]);

/* Like word_copy_path, but replaces %p by the process ID and %% by one %. */
const char *word_expand_path(struct word w, char path[WORD_PATH_ROOM]);

#endif
