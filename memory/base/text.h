/* Copies of strings and formatted texts, for functions that allocate in different ways. */
#ifndef MALLOW_TEXT_INSIDE_H
#define MALLOW_TEXT_INSIDE_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* How the memory of a text is allocated. `take` allocates `bytes` bytes from `from`, which is not
 * NULL, or returns NULL and records the failure. `function` is the public function, for failures
 * that the functions of this file find. */
struct text_source {
    char *(*take)(void *from, size_t bytes);
    void *from;
    const char *function;
};

/* Records that an argument of the public function has no meaning, and returns NULL. */
char *text_refuse(const char *function);

/* Copies at most `length` bytes of a string and adds a null byte. It is inline because `take` is
 * constant for every caller: an indirect call would double the time of a short copy. */
static inline __attribute__((always_inline)) char *text_copy(struct text_source source,
                                                             const char *text, size_t length) {
    if (source.from == NULL || text == NULL) return text_refuse(source.function);
    length = strnlen(text, length);
    char *copy = source.take(source.from, length + 1);
    if (copy == NULL) return NULL;
    copy[length] = '\0';
    return memcpy(copy, text, length);
}

/* Formats a text as vprintf(3) does. Keeps errno unless it fails. */
char *text_format(struct text_source source, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
