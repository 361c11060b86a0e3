/* Texts in an arena, which take only their own bytes. */
#include "arena/arena.h"
#include "base/text.h"

/* Takes a text from the end of the chunk if it fits there, because it needs no alignment. */
static char *arena_take_text(void *from, size_t bytes) {
    struct mallow_arena *arena = from;
    if (bytes <= (size_t)(arena->end - arena->at)) return arena->end -= bytes;
    return mallow_arena_alloc_aligned(arena, bytes, 1);
}

#define SOURCE(arena) ((struct text_source){arena_take_text, (arena), __func__})

char *mallow_arena_strndup(struct mallow_arena *arena, const char *text, size_t length) {
    return text_copy(SOURCE(arena), text, length);
}

char *mallow_arena_strdup(struct mallow_arena *arena, const char *text) {
    return text_copy(SOURCE(arena), text, PTRDIFF_MAX);
}

char *mallow_arena_vprintf(struct mallow_arena *arena, const char *format, va_list arguments) {
    return text_format(SOURCE(arena), format, arguments);
}

char *mallow_arena_printf(struct mallow_arena *arena, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *text = text_format(SOURCE(arena), format, arguments);
    va_end(arguments);
    return text;
}
