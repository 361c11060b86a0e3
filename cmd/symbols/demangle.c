/* Demangles the names of C++ and Rust, with a limit on their length. */
#include <libiberty/demangle.h>
#include <setjmp.h>
#include <stdbool.h>
#include <string.h>

#include "common/xalloc.h"
#include "symbols/symbols.h"

/* A name of a hundred characters can expand to gigabytes, because it can refer to its own parts. */
#define DEMANGLED_MAX ((size_t)16 << 10)

struct demangle_result {
    char text[DEMANGLED_MAX];
    size_t length;
    jmp_buf too_long;
};

/* The jump out of the demangler leaks nothing: neither demangler allocates memory. */
static void demangle_add_piece(const char *piece, size_t length, void *to) {
    struct demangle_result *demangled = to;
    if (length >= DEMANGLED_MAX - demangled->length) longjmp(demangled->too_long, 1);
    memcpy(demangled->text + demangled->length, piece, length);
    demangled->length += length;
}

static bool demangle_by(int (*demangler)(const char *, int, demangle_callbackref, void *),
                        const char *name, struct demangle_result *demangled) {
    demangled->length = 0;
    if (setjmp(demangled->too_long) != 0) return false;
    if (!demangler(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO, demangle_add_piece, demangled))
        return false;
    demangled->text[demangled->length] = '\0';
    return true;
}

char *symbols_demangle(const char *name) {
    struct demangle_result demangled;
    bool done = demangle_by(rust_demangle_callback, name, &demangled) ||
                demangle_by(cplus_demangle_v3_callback, name, &demangled);
    return done ? xstrdup(demangled.text) : xstrndup(name, DEMANGLED_MAX);
}
