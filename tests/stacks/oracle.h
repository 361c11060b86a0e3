/* Compares captured stacks with those that libunwind finds. */
#ifndef ORACLE_H
#define ORACLE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Captures a stack. Fails unless libunwind finds the same frames. */
void compare(void);

/* Like compare, in a signal handler, for the interrupted stack. */
void compare_interrupted(const void *context);

/* Clears libunwind's cache, which otherwise still describes unloaded objects. */
void forget_objects(void);

/* The number of stacks that all threads have compared, and the depth of the deepest. */
unsigned long compared(void);
unsigned deepest(void);

#ifdef __cplusplus
}
#endif

#endif
