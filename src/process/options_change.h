/* Settings that other layers must follow when they change. */
#ifndef MALLOW_OPTIONS_CHANGE_H
#define MALLOW_OPTIONS_CHANGE_H

#include <stdbool.h>

#include "base/settings.h"

/* Each heap gives up what its magazines may no longer hold in its next slow path. */
void options_change_magazines(void);

/* Sets a bit of settings.modes. */
void options_change_mode(unsigned bit, bool on);

/* Turns check=hard or check=full on, for ever: blocks that were made so must be found when they are
 * freed. */
void options_change_check(enum check_mode mode);

#endif
