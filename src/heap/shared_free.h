/* The program frees shared slots. */
#ifndef MALLOW_SHARED_FREE_H
#define MALLOW_SHARED_FREE_H

#include <stdbool.h>

/* Frees a used slot: to the calling thread's magazine, or for all threads. Returns false if another
 * free came first. */
bool shared_free(char *slot, unsigned size_class);

#endif
