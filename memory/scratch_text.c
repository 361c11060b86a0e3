/* Copies and texts in scratch memory. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "failure.h"
#include "mallow/scratch.h"

void *mallow_scratch_memdup(struct mallow_scratch *scope, const void *from, size_t size) {
    if (scope == NULL || (from == NULL && size != 0)) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    void *block = mallow_scratch_alloc(scope, size);
    return block == NULL || size == 0 ? block : memcpy(block, from, size);
}

char *mallow_scratch_strndup(struct mallow_scratch *scope, const char *text, size_t length) {
    if (scope == NULL || text == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    length = strnlen(text, length);
    char *copy = mallow_scratch_alloc(scope, length + 1);
    if (copy == NULL) return NULL;
    memcpy(copy, text, length);
    copy[length] = '\0';
    return copy;
}

char *mallow_scratch_strdup(struct mallow_scratch *scope, const char *text) {
    return mallow_scratch_strndup(scope, text, SIZE_MAX);
}

/* Formats twice: the first time only computes the length. */
char *mallow_scratch_vprintf(struct mallow_scratch *scope, const char *format, va_list arguments) {
    if (scope == NULL || format == NULL) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    va_list again;
    va_copy(again, arguments);
    int error = errno;
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text = NULL;
    if (length < 0)
        FAIL(MALLOW_BAD_ARGUMENT);
    else
        text = mallow_scratch_alloc(scope, (size_t)length + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
        errno = error;
    }
    va_end(again);
    return text;
}

char *mallow_scratch_printf(struct mallow_scratch *scope, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = mallow_scratch_vprintf(scope, format, arguments);
    va_end(arguments);
    return text;
}
