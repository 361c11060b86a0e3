/* The stack as the library sees it, beside the one that libunwind sees. */
#ifndef ORACLE_H
#define ORACLE_H

#ifdef __cplusplus
extern "C" {
#endif

/* Captures a stack and fails unless libunwind finds the same frames. */
void compare(void);

/* The same for what a signal interrupted, in its handler. */
void compare_interrupted(const void *context);

/* libunwind would believe what it knows of an object that is gone. */
void forget_objects(void);

/* Stacks that were compared so far, by all threads, and the deepest of them. */
unsigned long compared(void);
unsigned deepest(void);

#ifdef __cplusplus
}
#endif

#endif
