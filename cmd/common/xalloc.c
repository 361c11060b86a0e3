#include "common/xalloc.h"

#include <err.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"

void *xnonnull(void *block) {
    if (block == NULL) err(EXIT_OWN_FAILURE, NULL);
    return block;
}

void *xcalloc(size_t count, size_t size) { return xnonnull(calloc(count, size)); }

char *xstrdup(const char *text) { return xnonnull(strdup(text)); }

char *xstrndup(const char *text, size_t length) { return xnonnull(strndup(text, length)); }

char *xasprintf(const char *format, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0) err(EXIT_OWN_FAILURE, NULL);
    va_end(arguments);
    return text;
}

void *xgrow(void *array, size_t count, size_t size) {
    if ((count & (count - 1)) != 0) return array;
    return xnonnull(reallocarray(array, count * 2 + 1, size));
}

FILE *xopen_memstream(char **text, size_t *length) {
    return xnonnull(open_memstream(text, length));
}

void xclose_memstream(FILE *stream) {
    if (fclose(stream) != 0) err(EXIT_OWN_FAILURE, NULL);
}
