/* Changes settings that other layers must follow. */
#ifndef MALLOW_OPTIONS_CHANGE_H
#define MALLOW_OPTIONS_CHANGE_H

#include <stdbool.h>

#include "base/settings.h"

/* Makes each heap, in its next slow path, give up what its magazines may no longer hold. */
void options_change_magazines(void);

/* Sets or clears a bit of settings.modes. */
void options_change_mode(unsigned bit, bool on);

/* Turns check=hard or check=full on, permanently: blocks that were allocated in this mode must be
 * recognised when they are freed. */
void options_change_check(enum check_mode mode);

/* Turns the recording of calls (trace/trace_state.h) on or off. trace_open or trace_make comes
 * first. */
void options_change_recording(bool on);

#endif
