/* Writes single records of a profile (mallow_profile.h) to the current block. Only one thread at a
 * time may use these functions. */
#ifndef MALLOW_PROFILE_RECORDS_H
#define MALLOW_PROFILE_RECORDS_H

#include <stdint.h>

#include "mallow_profile.h"

void profile_write_node(const struct mallow_profile_node *node);
void profile_write_thread(const struct mallow_profile_thread *thread);
void profile_write_site(const struct mallow_profile_site *site);
void profile_write_pinned(const struct mallow_profile_pinned *pinned);
void profile_write_setting(const char *key, const char *value);

/* `process`: that of the section. */
void profile_write_live(const struct mallow_profile_live *live,
                        const struct mallow_profile_process *process);

#endif
