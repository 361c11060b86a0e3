/*
 * Scratch memory: alloca that fails instead of crashing.
 *
 *     void f(size_t n) {
 *         MALLOW_SCRATCH(scratch);
 *         int *numbers = mallow_scratch_array(&scratch, n, sizeof *numbers);
 *         if (numbers == NULL) ...
 *     }                                  the memory is free when the scope ends
 *
 * Small blocks come from a stack that each thread has in addition to its call stack. A large block
 * can get a mapping of its own. Blocks are freed when the scope ends: at its closing brace, or by
 * break, goto, return, or an exception if the function is compiled with -fexceptions, as C++ is.
 * longjmp does not end the scopes that it leaves. They end when the thread next ends a scope, or
 * allocates the first block of one, in an outer frame or at the same address; in coroutines this
 * can be later.
 *
 * A function that allocates returns NULL and sets errno if it fails: EINVAL for an invalid
 * argument, EOVERFLOW for a size that no object can have, and ENOMEM if there is no memory.
 * mallow_last_error() then has the details (mallow/result.h). Blocks are aligned to 16 bytes, and
 * their content is unspecified. Blocks of 0 bytes have an address that must not be accessed.
 *
 * A scope belongs to the thread and the call stack that it begins on; a coroutine may have a stack
 * of its own. All functions are thread-safe, and those that do not format text are
 * async-signal-safe: a signal handler may have scopes of its own, return, or jump away. However,
 * the first allocation of a thread may call calloc if the program has created more than 31 pthread
 * keys.
 */
#ifndef MALLOW_SCRATCH_H
#define MALLOW_SCRATCH_H

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <mallow/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* A scope. Its members are private. */
struct mallow_scratch {
    struct mallow_scratch_record *record; /* NULL: the scope has no block */
};

/* Declares and begins a scope that ends at the closing brace of the enclosing block. */
#define MALLOW_SCRATCH(name)                                                 \
    struct mallow_scratch name __attribute__((cleanup(mallow_scratch_end))); \
    (name).record = NULL

/* ---- only for the inline functions ---- */

struct mallow_scratch_record {
    struct mallow_scratch *scope; /* NULL: the scope has ended */
    uintptr_t older;              /* previous record in the chunk, and flags: see scratch.c */
};

struct mallow_scratch_stack {
    char *at, *end;                       /* the free part of the chunk */
    struct mallow_scratch_record *newest; /* newest record in the chunk */
};

extern __thread struct mallow_scratch_stack mallow_scratch_stack;

void mallow_scratch_end_slow(struct mallow_scratch *scope);
void *mallow_scratch_alloc_slow(struct mallow_scratch *scope, size_t size);

#define MALLOW_SCRATCH_INLINE_BYTES 16384 /* the slow path allocates larger blocks */

/* A signal handler that sees a store after this also sees all stores before it. */
#define MALLOW_SCRATCH_ORDER() __asm__ volatile("" ::: "memory")

/* ---- scopes ---- */

/* Ends a scope and frees its blocks; called at the end of the enclosing block. Keeps errno. */
static inline __attribute__((always_inline)) void mallow_scratch_end(struct mallow_scratch *scope) {
    struct mallow_scratch_stack *stack = &mallow_scratch_stack;
    struct mallow_scratch_record *record = scope->record;
    if (record == NULL) return;
    if (__builtin_expect(record != stack->newest || (record->older & 15) != 0, 0)) {
        mallow_scratch_end_slow(scope);
        return;
    }
    stack->newest = (struct mallow_scratch_record *)record->older;
    MALLOW_SCRATCH_ORDER();
    stack->at = (char *)record;
}

/* ---- blocks ---- */

/* Allocates a block. The first block of a scope comes with a record, which is pushed if the newest
 * scope so far is in the frame of a caller, at a higher address, as it usually is. The slow path
 * handles all other cases. */
static inline __attribute__((always_inline)) void *
mallow_scratch_alloc(struct mallow_scratch *scope, size_t size) {
    struct mallow_scratch_stack *stack = &mallow_scratch_stack;
    struct mallow_scratch_record *newest = stack->newest;
    struct mallow_scratch_record *record = (struct mallow_scratch_record *)(void *)stack->at;
    size_t room = (size_t)(stack->end - stack->at);
    size_t rounded = (size + 15) & ~(size_t)15;
    if (__builtin_expect(scope == NULL || size - 1 >= MALLOW_SCRATCH_INLINE_BYTES, 0))
        return mallow_scratch_alloc_slow(scope, size);
    if (scope->record == NULL) {
        if (__builtin_expect(rounded + sizeof *record <= room, 1) &&
            __builtin_expect((uintptr_t)newest->scope > (uintptr_t)scope, 1)) {
            /* This store comes first: otherwise, a signal handler's record could overwrite the new
             * one. */
            stack->at += sizeof *record + rounded;
            MALLOW_SCRATCH_ORDER();
            record->scope = scope;
            record->older = (uintptr_t)newest;
            scope->record = record;
            MALLOW_SCRATCH_ORDER();
            stack->newest = record;
            return record + 1;
        }
    } else if (__builtin_expect(scope->record == newest && rounded <= room, 1)) {
        stack->at += rounded;
        return record;
    }
    return mallow_scratch_alloc_slow(scope, size);
}

/* Allocates a block that reads as zero. */
void *mallow_scratch_zalloc(struct mallow_scratch *scope, size_t size);

/* Allocates `count` times `size` bytes. Fails with EOVERFLOW if the product overflows. */
void *mallow_scratch_array(struct mallow_scratch *scope, size_t count, size_t size);

/* Copies `size` bytes into a new block. */
void *mallow_scratch_memdup(struct mallow_scratch *scope, const void *from, size_t size);

/* Copy a string, or at most `length` bytes of it, and end the copy with a null byte. */
char *mallow_scratch_strdup(struct mallow_scratch *scope, const char *text);
char *mallow_scratch_strndup(struct mallow_scratch *scope, const char *text, size_t length);

/* Format a text as printf(3) does. Fail with EINVAL if the format or an argument cannot be
 * converted. Not async-signal-safe. */
char *mallow_scratch_printf(struct mallow_scratch *scope, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *mallow_scratch_vprintf(struct mallow_scratch *scope, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif
