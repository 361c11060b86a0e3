/* The environment of a program that has more privileges than the user who started it. */
#ifndef MALLOW_ENVIRONMENT_H
#define MALLOW_ENVIRONMENT_H

/* Takes MALLOW_OPTIONS, MALLOC_* and GLIBC_TUNABLES out of the environment, so that the programs
 * that this one executes do not obey them either. At start, while there is one thread. */
void environment_forget_settings(void);

#endif
