#include "trace/trace_memory.h"

#include "base/compiler.h"
#include "os/os.h"

struct trace_memory *trace_memory;

RARE bool trace_has_memory(void) {
    if (trace_memory == NULL) trace_memory = os_map(sizeof *trace_memory);
    return trace_memory != NULL;
}
