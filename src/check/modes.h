/* The modes of this folder (heap/mode.h), for process/modes.c, which combines them. */
#ifndef MALLOW_MODES_H
#define MALLOW_MODES_H

#include "heap/mode.h"

extern struct mode plain_mode, filled_mode, guarded_large_mode, full_mode, hard_mode, seal_mode,
    guarded_sample_mode, counted_mode, observed_mode;

#endif
