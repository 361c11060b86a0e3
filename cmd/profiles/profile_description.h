/* Describes the whole process from a profile: from its last snapshot with such a description. */
#ifndef MALLOW_PROFILE_DESCRIPTION_H
#define MALLOW_PROFILE_DESCRIPTION_H

#include <stdbool.h>

#include "proc/address_space.h"
#include "proc/memory_limits.h"
#include "profiles/profile.h"

/* Calls `call` for each setting that was given. */
void profile_each_given(const struct profile_section *section,
                        void (*call)(void *to, const struct profile_pair *setting), void *to);

/* Reads the limits. Returns false if the profile does not contain them. */
bool profile_read_limits(const struct profile_section *section, struct limits *limits);

/* Reads the mappings. Returns the snapshot that has them, or NULL; the caller then frees the
 * address space, too. */
const struct profile_snapshot *profile_read_space(const struct profile_section *section,
                                                  struct address_space *space);

/* Returns the snapshot that says what each site pins, or NULL if that is unknown. */
const struct profile_snapshot *profile_pinned_snapshot(const struct profile_section *section);

#endif
