/* The check of an image: the states, the index, the amounts and the directory must agree. */
#ifndef MALLOW_CHECK_H
#define MALLOW_CHECK_H

#include "shared/buddy.h"

/* Returns true if the image has no problem. Otherwise stores the first one. Reads only what the
 * present units need. No step may be pending. */
bool check_image(const struct buddy *buddy, struct mallow_shared_finding *finding);

#endif
