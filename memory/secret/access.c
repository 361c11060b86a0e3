#include "secret/access.h"

#include <stdint.h>
#include <string.h>
#include <ucontext.h>

#if defined(__x86_64__)

/* Bit 1 of the error code of a page fault is set for a write. */
enum access_kind access_kind(const void *context) {
    const ucontext_t *thread = context;
    return (thread->uc_mcontext.gregs[REG_ERR] & 2) != 0 ? ACCESS_WRITE : ACCESS_READ;
}

#elif defined(__aarch64__)

#    include <asm/sigcontext.h>

/* Bit 6 of the exception syndrome (WnR) is set for a write. The kernel stores the syndrome in one
 * of the records after the registers. */
enum access_kind access_kind(const void *context) {
    const ucontext_t *thread = context;
    const unsigned char *record = thread->uc_mcontext.__reserved;
    const unsigned char *end = record + sizeof thread->uc_mcontext.__reserved;
    while ((uintptr_t)end - (uintptr_t)record >= sizeof(struct esr_context)) {
        struct esr_context syndrome;
        memcpy(&syndrome, record, sizeof syndrome);
        if (syndrome.head.magic == ESR_MAGIC)
            return (syndrome.esr & 1U << 6) != 0 ? ACCESS_WRITE : ACCESS_READ;
        if (syndrome.head.size == 0) break;
        record += syndrome.head.size;
    }
    return ACCESS_UNKNOWN;
}

#else

enum access_kind access_kind(const void *context) {
    (void)context;
    return ACCESS_UNKNOWN;
}

#endif
