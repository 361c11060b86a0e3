/*
 * A table of misuses that are judged by their consequences: after each one the program tries to
 * profit from it.
 *
 * On standard output the program writes what the runner, wide.py, needs: the profit, and '[' before
 * and ']' after each access of its own to forbidden memory. So the runner can distinguish a fault
 * there from a fault inside the allocator.
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

/* Each table ends with a misuse without a name. */
extern const struct misuse double_frees[], invalid_frees[], neighbours[], stale_data[],
    uses_after_free[], exploits[], races[], mismatches[], layouts[];

/* Reports a profit. The program continues, because the allocator may still detect the error. */
void gained(const char *what);

/* obtain allocates a block, and owns registers one: it is a gain if another live block overlaps. */
char *obtain(size_t size);
void owns(const void *p, size_t size);
/* release frees a block. disown only unregisters it, before it is freed in another way. */
void release(char *p);
void disown(const void *p);

/* Grows a block of the size by realloc, with a block after it so that it has to move. */
char *outgrow(char *p, size_t size);

/* Obtains some blocks of the size, and keeps them. */
void profit(size_t size);
/* Returns NUMBER, or less if so many blocks of a large size would need too much memory. */
size_t some(size_t size, size_t number);

/* touching and touched enclose an access to forbidden memory. poke and poke_word write there. */
void touching(void);
void touched(void);
void poke(char *p, char value, size_t length);
void poke_word(char *p, uintptr_t word);

/* Returns true if the bytes overlap a live block other than `but`: an access there is a gain. */
bool hits_live(const char *p, size_t length, const char *but);

/* Call the function in another thread, or in a child, and wait for its end. */
void in_thread(void *(*function)(void *), void *argument);
void in_child(void (*function)(size_t size, char *p), size_t size, char *p);

/* C++'s operators by their mangled names, and C23's functions, or free if libc lacks them. */
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
