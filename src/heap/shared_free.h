/* Frees shared slots for the program. */
#ifndef MALLOW_SHARED_FREE_H
#define MALLOW_SHARED_FREE_H

#include <stdbool.h>

/* Frees a used slot: keeps it in the calling thread's magazine, or makes it available to all
 * threads. Returns false if another free came first. */
bool shared_free(char *slot, unsigned size_class);

#endif
