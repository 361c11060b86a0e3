/* The MODULES blocks of a profile: the files whose code is mapped, with their build IDs. They come
 * from /proc/self/maps and from memory, so no lock of the loader is taken. Only one thread at a
 * time may call these functions. */
#ifndef MALLOW_PROFILE_MODULES_H
#define MALLOW_PROFILE_MODULES_H

#include <stdint.h>

/* Writes all modules if they differ from those for which *known is the hash, and updates it; 0: no
 * module was written before. */
void profile_modules_write(uint64_t *known);

#endif
