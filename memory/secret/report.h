/* Reports of accesses to secret memory that fault. */
#ifndef MALLOW_REPORT_H
#define MALLOW_REPORT_H

#include <signal.h>
#include <stdbool.h>

/* Reports a fault in secret memory on standard error, and leaves it to the program. A part of
 * base/fault.h. Async-signal-safe. */
bool report_fault(const siginfo_t *info, void *context);

#endif
