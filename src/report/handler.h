/* The program's own handler of memory errors, which it has passed to mcheck(3). */
#ifndef MALLOW_HANDLER_H
#define MALLOW_HANDLER_H

#include <stdbool.h>

/* The values of enum mcheck_status in <mcheck.h>. Not every libc has that header. */
enum block_status {
    STATUS_DISABLED = -1,
    STATUS_OK,
    STATUS_FREE,
    STATUS_HEAD,
    STATUS_TAIL,
};
typedef void (*error_handler)(enum block_status);

/* Sets the handler. With NULL, errors are reported as usual. */
void handler_set(error_handler handler);
bool handler_is_set(void);

/* Passes an error with this cause (report.h) to the handler. Returns false if there is no handler
 * or mcheck(3) does not know such errors. The handler is called in the middle of the allocator's
 * work, without a lock. It may allocate, jump away, or return, after which the program continues as
 * after a report. While it runs, further errors of its thread are ignored. */
bool handler_take(const char *cause);

#endif
