/*
 * libmallow-record.so: functions that call the next ones of the same name, and record the calls.
 *
 * With another allocator (`mallow run --trace --with`) this library records all calls in the rings
 * (src/trace). Next to libmallow.so, which is loaded before it and records its own calls, it only
 * passes the system calls of the program on to that library.
 */
#ifndef MALLOW_RECORD_H
#define MALLOW_RECORD_H

#include <stdbool.h>
#include <stddef.h>

#include "base/compiler.h"
#include "trace/trace_calls.h"

#pragma weak mallow_trace_call /* NULL without libmallow.so */

/* An allocator's function may call another one of these. Only the outermost call is recorded, and
 * system calls inside of it are caused by it. */
extern __thread unsigned record_depth __attribute__((tls_model("initial-exec")));

ALWAYS_INLINE bool record_enter(void) { return record_depth++ == 0; }
ALWAYS_INLINE void record_leave(void) { record_depth--; }

/* Also leaves if an exception is thrown. */
static inline void record_left(const bool *is_outermost) {
    (void)is_outermost;
    record_leave();
}
#define RECORDED_CALL(is_outermost) \
    __attribute__((cleanup(record_left))) const bool is_outermost = record_enter()

#endif
