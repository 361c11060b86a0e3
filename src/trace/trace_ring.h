/* How a thread gets a ring, and waits while the ring is full. */
#ifndef MALLOW_TRACE_RING_H
#define MALLOW_TRACE_RING_H

#include <stdbool.h>

/* Returns false if no command reads the rings any more. */
bool trace_is_read(void);

/* Wakes the command if it sleeps. */
void trace_wake_command(void);

#endif
