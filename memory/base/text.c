#include "base/text.h"

#include <errno.h>
#include <stdio.h>

#include "base/failure.h"

char *text_refuse(const char *function) {
    failure_set((struct mallow_error){.result = MALLOW_BAD_ARGUMENT, .function = function});
    return NULL;
}

/* Formats twice: the first time only computes the length. */
char *text_format(struct text_source source, const char *format, va_list arguments) {
    if (source.from == NULL || format == NULL) return text_refuse(source.function);
    va_list again;
    va_copy(again, arguments);
    int error = errno;
    int length = vsnprintf(NULL, 0, format, arguments);
    char *text =
        length < 0 ? text_refuse(source.function) : source.take(source.from, (size_t)length + 1);
    if (text != NULL) {
        vsnprintf(text, (size_t)length + 1, format, again);
        errno = error;
    }
    va_end(again);
    return text;
}
