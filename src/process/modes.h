/* Puts the modes together that the settings ask for. */
#ifndef MALLOW_PROCESS_MODES_H
#define MALLOW_PROCESS_MODES_H

#include <stdbool.h>

/* Turns a MODE_* bit (base/settings.h) on or off, in all threads. One thread at a time calls it. */
void modes_set(unsigned bit, bool on);

#endif
