#include "trace/trace_calls.h"

#include "base/compiler.h"
#include "trace/trace_record.h"

EXPORT_OWN void mallow_trace_call(const struct mallow_trace_event *event, const void *entry) {
    trace_event(event, false, entry);
}
