/*
 * The auxiliary vector, which the kernel passes to a program at its start, and facts that follow
 * from it. A preloaded library that allocates can wrap libc's getauxval, so the vector is read once
 * from /proc. All functions are thread-safe.
 */
#ifndef MALLOW_OS_AUXV_H
#define MALLOW_OS_AUXV_H

#include <elf.h>
#include <stdbool.h>

/* Returns the value of an AT_* type that os_auxv_linux.c lists, or 0 if the vector has none. */
unsigned long os_auxv(unsigned long type);

/* Returns true if the kernel places the program at the same addresses in every run (setarch -R,
 * debuggers). */
bool os_is_placed_alike(void);

/* Returns a function of the vDSO, the object that the kernel maps into each program, or NULL. */
void *os_vdso_function(const char *name);

#endif
