/* Texts in an arena, which take only their own bytes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "failure.h"

/* Allocates a text of `length` bytes and its null byte. Takes it from the end of the chunk if it
 * fits there, because blocks at the end need no alignment. */
static char *arena_take_text(struct mallow_arena *arena, size_t length) {
    if (arena != NULL && length < (size_t)(arena->end - arena->at)) return arena->end -= length + 1;
    return mallow_arena_alloc_aligned(arena, length + 1, 1);
}

char *mallow_arena_strndup(struct mallow_arena *arena, const char *text, size_t length) {
    if (text == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    length = strnlen(text, length);
    char *copy = arena_take_text(arena, length);
    if (copy == NULL) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *mallow_arena_strdup(struct mallow_arena *arena, const char *text) {
    return mallow_arena_strndup(arena, text, SIZE_MAX);
}

/* Formats twice: the first time only computes the length. */
char *mallow_arena_vprintf(struct mallow_arena *arena, const char *format, va_list arguments) {
    if (arena == NULL || format == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    va_list again;
    va_copy(again, arguments);
    int error = errno;
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = NULL;
    if (length < 0)
        FAIL(MALLOW_BAD_ARGUMENT);
    else
        text = arena_take_text(arena, (size_t)length);
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
        errno = error;
    }
    va_end(again);
    return text;
}

char *mallow_arena_printf(struct mallow_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = mallow_arena_vprintf(arena, format, arguments);
    va_end(arguments);
    return text;
}
