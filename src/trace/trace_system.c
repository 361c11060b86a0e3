#include "trace/trace_system.h"

#include "os/os_call.h"
#include "os/os_seen.h"
#include "trace/trace_record.h"

static const uint8_t trace_system_kinds[] = {
    [SEEN_MMAP] = MALLOW_TRACE_MMAP,         [SEEN_MUNMAP] = MALLOW_TRACE_MUNMAP,
    [SEEN_MREMAP] = MALLOW_TRACE_MREMAP,     [SEEN_BRK] = MALLOW_TRACE_BRK,
    [SEEN_MPROTECT] = MALLOW_TRACE_MPROTECT, [SEEN_MADVISE] = MALLOW_TRACE_MADVISE,
};

/* These return an address, and the others take one. */
static bool trace_system_returns_address(enum os_seen_call call) {
    return call == SEEN_MMAP || call == SEEN_MREMAP || call == SEEN_BRK;
}

RARE static void trace_system_seen(const struct os_seen *seen) {
    bool failed = IS_ERROR(seen->result), returns = trace_system_returns_address(seen->call);
    trace_event(
        &(struct mallow_trace_event){
            .kind = trace_system_kinds[seen->call],
            .address = !returns ? seen->address
                       : failed ? 0
                                : (uintptr_t)seen->result,
            .old_address = returns ? seen->address : 0,
            .size = seen->size,
            .count = seen->size_before,
            .protection = seen->protection,
            .flags = seen->flags,
            .error = failed ? (uint16_t)-seen->result : 0,
        },
        true, NULL);
}

RARE void trace_system_calls(bool on) {
    __atomic_store_n(&os_observer, on ? trace_system_seen : NULL, __ATOMIC_RELAXED);
}
