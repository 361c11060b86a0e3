/* Records each call (trace_record.h): as a mode, which takes slots from the magazines as the fast
 * path does, or as an observer of other modes. process/modes.c chooses. */
#ifndef MALLOW_TRACED_H
#define MALLOW_TRACED_H

#include "check/observed.h"
#include "heap/mode.h"

extern struct mode traced_mode;
extern const struct observer traced_observer;

#endif
