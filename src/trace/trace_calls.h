/* The function of libmallow.so that libmallow-record.so calls. It refers to it weakly: without
 * libmallow.so in the process, it records system calls itself. */
#ifndef MALLOW_TRACE_CALLS_H
#define MALLOW_TRACE_CALLS_H

#include "mallow/trace.h"

/* Records a system call that the program made. `entry` is as for stack_capture_from. */
void mallow_trace_call(const struct mallow_trace_event *event, const void *entry);

#endif
