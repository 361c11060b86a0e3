/* The program's own handler of memory errors, which mcheck(3) is given. */
#ifndef MALLOW_HANDLER_H
#define MALLOW_HANDLER_H

#include <stdbool.h>

/* What libc's <mcheck.h> calls enum mcheck_status; not every libc has that header. */
enum block_status {
    STATUS_DISABLED = -1,
    STATUS_OK,
    STATUS_FREE,
    STATUS_HEAD,
    STATUS_TAIL,
};
typedef void (*error_handler)(enum block_status);

/* NULL: errors are reported as ever. */
void handler_set(error_handler handler);
bool handler_is_set(void);

/* Whether the error of that cause (report.h) was the handler's. It is called in the middle of the
 * allocator's work, without a lock, and may allocate, jump away or return: then the program goes on
 * as after a report. What is wrong while it runs is passed over in its thread. */
bool handler_take(const char *cause);

#endif
