/* The environment, without libc, and what of it a privileged program does not hand on. */
#ifndef MALLOW_ENVIRONMENT_H
#define MALLOW_ENVIRONMENT_H

/* Takes MALLOW_OPTIONS, MALLOC_* and GLIBC_TUNABLES out of the environment, so that the programs
 * that this one executes do not obey them either. At start, while there is one thread. */
void environment_forget_settings(void);

/* As secure_getenv, which may be wrapped: NULL without such a variable, and when the program is
 * privileged. */
const char *environment_of(const char *name);

#endif
