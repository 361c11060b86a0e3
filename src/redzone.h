/*
 * Redzones: bytes beside a block that nobody may write, filled with a word that is keyed by a
 * secret and by where the redzone begins. So a word that was copied from another block's redzone
 * does not fit, and whoever knows one cannot compute the next.
 */
#ifndef MALLOW_REDZONE_H
#define MALLOW_REDZONE_H

#include "config.h"

/* Before the first use. */
void redzone_choose_secret(void);

void redzone_fill(char *start, size_t bytes);

/* The first byte that was written, or NULL. */
const char *redzone_find_damage(const char *start, size_t bytes);

/* Of memory that is free: the first byte that is not `value`, or NULL. */
const char *fill_find_damage(const char *start, size_t bytes, uint8_t value);

#endif
