/* Records system calls that change the address space. */
#ifndef MALLOW_TRACE_SYSTEM_H
#define MALLOW_TRACE_SYSTEM_H

#include <stdbool.h>

/* Begins or ends the recording of the library's own calls. Those of the program are recorded by
 * libmallow-record.so. */
void trace_system_calls(bool on);

#endif
