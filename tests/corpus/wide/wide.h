/*
 * A table of misuses that are judged by their consequence: after each the program tries to profit.
 *
 * On standard output goes what the runner, wide.py, needs to know: '[' before and ']' after each
 * access of the program's own to memory that it must not touch, so that a fault there can be told
 * from one inside the allocator, and the verdict.
 */
#ifndef WIDE_H
#define WIDE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct misuse {
    const char *name;
    void (*run)(size_t size, long how);
    long how;
};

/* Each ends with a misuse without a name. */
extern const struct misuse double_frees[], invalid_frees[], neighbours[], stale_data[],
    uses_after_free[], exploits[], races[], mismatches[], layouts[];

/* The program has got what it must not get. It goes on: the error may still be noticed. */
void gained(const char *what);

/* A block of the program's, which no other live block may overlap: that would be a gain. */
char *obtain(size_t size);
void owns(const void *p, size_t size);
/* Frees it; or only forgets that it is live, before it is freed in some other way. */
void release(char *p);
void disown(const void *p);

/* Obtains some blocks of the size, and does not give them back. */
void profit(size_t size);
/* How many of the size are a reasonable number: fewer of the largest. */
size_t some(size_t size, size_t number);

/* For accesses to memory that is not the program's. */
void touching(void);
void touched(void);
void poke(char *p, char value, size_t length);
void poke_word(char *p, uintptr_t word);

/* Is a live block other than `but` within the bytes? Written to or read, that is a gain. */
bool hits_live(const char *p, size_t length, const char *but);

/* Calls the function in another thread, or in a child, and waits for its end. */
void in_thread(void *(*function)(void *), void *argument);
void in_child(void (*function)(size_t size, char *p), size_t size, char *p);

/* C++'s operators by their mangled names, and C23's functions where they exist, else free. */
void *_Znwm(size_t size);
void *_Znam(size_t size);
void *_ZnwmSt11align_val_t(size_t size, size_t alignment);
void _ZdlPv(void *p);
void _ZdaPv(void *p);
void _ZdlPvm(void *p, size_t size);
void _ZdlPvSt11align_val_t(void *p, size_t alignment);
void free_with_size(void *p, size_t size);
void free_with_alignment(void *p, size_t alignment, size_t size);

#endif
