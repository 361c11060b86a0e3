/* Reads the environment without libc, and removes settings from it. */
#ifndef MALLOW_ENVIRONMENT_H
#define MALLOW_ENVIRONMENT_H

/* Removes MALLOW_OPTIONS, MALLOC_* and GLIBC_TUNABLES from the environment, so that the programs
 * that this one executes do not obey them either. Called at load time, before the program runs. */
void environment_forget_settings(void);

/* Returns the value of a variable, or NULL if it is not set or the program gained privileges.
 * Replaces secure_getenv, which another library may wrap. */
const char *environment_of(const char *name);

#endif
