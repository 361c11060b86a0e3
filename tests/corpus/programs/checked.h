/* Blocks for the functions whose bounds libmallow-check.so checks. The first argument names the
 * function to call. */
#ifndef CHECKED_H
#define CHECKED_H

#include <stdio.h>
#include <strings.h>
#include <wchar.h>

#include "corpus.h"

enum { SIZE = 32 };

static const char *name;
#define IF(function) if (strcmp(name, #function) == 0)

/* Twice the size of the blocks, with a NUL only at the end. */
static char text[2 * SIZE];
static wchar_t wide[2 * SIZE];

static char *p;    /* SIZE bytes */
static wchar_t *w; /* SIZE wide characters */

/* Return a string of n bytes or wide characters, including its NUL. */
__attribute__((unused)) static const char *text_of(size_t n) { return text + 2 * SIZE - n; }
__attribute__((unused)) static const wchar_t *wide_of(size_t n) { return wide + 2 * SIZE - n; }

static void blocks_make(void) {
    for (int i = 0; i < 2 * SIZE - 1; i++) {
        text[i] = 't';
        wide[i] = L'w';
    }
    p = HIDDEN((char *)calloc(SIZE, 1));
    w = HIDDEN((wchar_t *)calloc(SIZE, sizeof *w));
}

__attribute__((unused)) static void blocks_free(void) {
    free(p);
    free(w);
}

#endif
