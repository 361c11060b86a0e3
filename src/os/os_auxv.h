/*
 * What the kernel has told the program at its start (auxiliary vector), and what follows from it.
 * libc's getauxval can be wrapped by a preloaded library that allocates, so the vector is read
 * where the kernel shows it, once.
 */
#ifndef MALLOW_OS_AUXV_H
#define MALLOW_OS_AUXV_H

#include <elf.h>
#include <stdbool.h>

/* The value of a type that is known here (os_auxv_linux.c); 0 when it is not there. */
unsigned long os_auxv(unsigned long type);

/* Whether the kernel places the program at the same addresses in every run (setarch -R, debuggers).
 */
bool os_is_placed_alike(void);

/* A function of the object that the kernel maps into each program, or NULL. */
void *os_vdso_function(const char *name);

#endif
