/* Copies of strings and formatted texts, for functions that allocate in different ways. */
#ifndef MALLOW_TEXT_INSIDE_H
#define MALLOW_TEXT_INSIDE_H

#include <stdarg.h>
#include <stddef.h>

/* How the memory of a text is allocated. `take` allocates `bytes` bytes from `from`, which is not
 * NULL, or returns NULL and records the failure. `function` is the public function, for failures
 * that are found here. */
struct text_source {
    char *(*take)(void *from, size_t bytes);
    void *from;
    const char *function;
};

/* Copies at most `length` bytes of a string and adds a null byte. */
char *text_copy(struct text_source source, const char *text, size_t length);

/* Formats a text as vprintf(3) does. Keeps errno unless it fails. */
char *text_format(struct text_source source, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#endif
