/* Copies and texts in scratch memory. */
#include <string.h>

#include "base/failure.h"
#include "base/text.h"
#include "mallow/scratch.h"

static char *scratch_take_text(void *scope, size_t bytes) {
    return mallow_scratch_alloc(scope, bytes);
}

#define SCOPE(scope) ((struct text_source){scratch_take_text, (scope), __func__})

void *mallow_scratch_memdup(struct mallow_scratch *scope, const void *from, size_t size) {
    if (scope == NULL || (from == NULL && size != 0)) return FAIL(MALLOW_BAD_ARGUMENT), NULL;
    void *block = mallow_scratch_alloc(scope, size);
    return block == NULL || size == 0 ? block : memcpy(block, from, size);
}

char *mallow_scratch_strndup(struct mallow_scratch *scope, const char *text, size_t length) {
    return text_copy(SCOPE(scope), text, length);
}

char *mallow_scratch_strdup(struct mallow_scratch *scope, const char *text) {
    return text_copy(SCOPE(scope), text, PTRDIFF_MAX);
}

char *mallow_scratch_vprintf(struct mallow_scratch *scope, const char *format, va_list arguments) {
    return text_format(SCOPE(scope), format, arguments);
}

char *mallow_scratch_printf(struct mallow_scratch *scope, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(SCOPE(scope), format, arguments);
    va_end(arguments);
    return text;
}
