#include "process/option_given.h"

#include <stdbool.h>
#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/numbers.h"
#include "base/text.h"

#define GIVEN_PATHS 8u   /* options that are paths */
#define GIVEN_BYTES 256u /* of a path that are kept */

/* Most processes have few settings, and no reader. */
static UNTOUCHED struct {
    bool is_given[OPTION_GIVEN_MAX];
    size_t number[OPTION_GIVEN_MAX]; /* of a path: which text it has */
    size_t paths;
    char path[GIVEN_PATHS][GIVEN_BYTES];
} option_given;

static bool option_given_is_path(const struct option *option) {
    return option->kind == OPTION_FILE || option->kind == OPTION_FILE_PATTERN;
}

RARE void option_given_number(const struct option *option, size_t number) {
    size_t place = (size_t)(option - option_table);
    if (place >= OPTION_GIVEN_MAX) return;
    racy_store(&option_given.number[place], number);
    racy_store(&option_given.is_given[place], true);
}

/* Paths are set at the start only. */
RARE void option_given_path(const struct option *option, const char *path) {
    size_t place = (size_t)(option - option_table);
    if (place >= OPTION_GIVEN_MAX) return;
    if (!option_given.is_given[place]) {
        if (option_given.paths == GIVEN_PATHS) return;
        option_given_number(option, option_given.paths++);
    }
    char *text = option_given.path[option_given.number[place]];
    size_t length = min_size(strlen(path), GIVEN_BYTES - 1);
    memcpy(text, path, length);
    text[length] = '\0';
}

/* ---- values as text ---- */

static void option_given_add_word(struct text *t, const char *words, size_t place) {
    for (; place > 0 && *words != '\0'; words++) place -= *words == '|';
    text_add_bytes(t, words, strcspn(words, "|"));
}

static void option_given_add_value(struct text *t, const struct option *option, size_t number) {
    if (option->kind == OPTION_CHOICE)
        option_given_add_word(t, option->values, number);
    else if (option_given_is_path(option))
        text_add(t, option_given.path[number]);
    else if (option->kind == OPTION_AUTO_OR_AMOUNT && number == SIZE_MAX)
        text_add(t, "auto");
    else
        text_add_number(t, number);
}

RARE void option_given_each(void (*call)(void *to, const char *key, const char *value), void *to) {
    char key[40], value[GIVEN_BYTES + 1];
    for (const struct option *option = option_table; *option->key != '\0'; option++) {
        size_t place = (size_t)(option - option_table);
        if (place >= OPTION_GIVEN_MAX || !racy_load(bool, &option_given.is_given[place])) continue;
        struct text k = {.buffer = key, .size = sizeof key - 1};
        struct text v = {.buffer = value, .size = sizeof value - 1};
        if (option->source == OPTION_LIBC) text_add(&k, "glibc.malloc.");
        text_add(&k, option->key);
        option_given_add_value(&v, option, racy_load(size_t, &option_given.number[place]));
        key[k.length] = value[v.length] = '\0';
        call(to, key, value);
    }
}
