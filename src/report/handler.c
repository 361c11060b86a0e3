#include "report/handler.h"

#include <stdatomic.h>
#include <stdint.h>
#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/settings.h"

static _Atomic(error_handler) handler_now;

/* The frame of the call of handler_take in which the handler runs; 0 while it does not run. If that
 * frame is deeper in the stack than the current one, the handler has jumped away. */
static __thread uintptr_t handler_frame __attribute__((tls_model("initial-exec")));

RARE void handler_set(error_handler now) {
    atomic_store_explicit(&handler_now, now, memory_order_relaxed);
    racy_store(&settings.error_handler, now != NULL);
    handler_frame = 0;
}

RARE bool handler_is_set(void) {
    return atomic_load_explicit(&handler_now, memory_order_relaxed) != NULL;
}

/* Returns STATUS_OK if mcheck(3) has no status for the cause. */
static enum block_status handler_status(const char *cause) {
    static const struct {
        const char *cause;
        enum block_status status;
    } known[] = {
        {"heap overflow", STATUS_TAIL}, {"heap underflow", STATUS_HEAD},
        {"double free", STATUS_FREE},   {"use after free", STATUS_FREE},
        {"invalid free", STATUS_HEAD},  {"invalid pointer", STATUS_HEAD},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (strcmp(cause, known[i].cause) == 0) return known[i].status;
    return STATUS_OK;
}

RARE bool handler_take(const char *cause) {
    error_handler call = atomic_load_explicit(&handler_now, memory_order_relaxed);
    enum block_status status = handler_status(cause);
    uintptr_t frame = (uintptr_t)__builtin_frame_address(0);
    if (call == NULL || status == STATUS_OK) return false;
    if (handler_frame != 0 && frame < handler_frame) return true;
    handler_frame = frame;
    call(status);
    handler_frame = 0;
    return true;
}
