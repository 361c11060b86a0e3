/* How the program's threads free shared slots. */
#ifndef MALLOW_SHARED_FREE_H
#define MALLOW_SHARED_FREE_H

#include <stdbool.h>

/* Frees a used slot, into the magazine of the calling thread or for all; false when another free
 * came first. */
bool shared_free(char *slot, unsigned size_class);

#endif
