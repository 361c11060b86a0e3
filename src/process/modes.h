/* Stacks the modes that the settings ask for. */
#ifndef MALLOW_PROCESS_MODES_H
#define MALLOW_PROCESS_MODES_H

#include <stdbool.h>

/* Turns a MODE_* bit (base/settings.h) on or off in all threads. Only one thread at a time may call
 * it. */
void modes_set(unsigned bit, bool on);

/* Returns true if the fast path of free may serve calls. */
bool modes_serve_free(void);

#endif
