/* The control request that records calls in a running process. */
#ifndef MALLOW_CONTROL_TRACE_H
#define MALLOW_CONTROL_TRACE_H

/* Serves "trace FRAMES wait|drop", which stores a descriptor of the shared memory, and "trace on"
 * and "trace off". Returns NULL, or why that is not possible. */
const char *control_trace(const char *argument, int *descriptor);

#endif
