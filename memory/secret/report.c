#include "secret/report.h"

#include "secret/access.h"
#include "secret/message.h"
#include "secret/runs.h"
#include "secret/slots.h"

/* Returns the slot that contains the address or is closest to it, or that of the last secret. */
static uint32_t report_nearest_slot(const struct secret_run *run, uintptr_t address) {
    uint32_t slot_bytes = atomic_load(&run->slot_bytes), count = atomic_load(&run->slot_count);
    uintptr_t first = slots_address(run, 0);
    if (slot_bytes == 0 || address < first || count == 0) return 0;
    uintptr_t index = (address - first) / slot_bytes;
    return index < count ? (uint32_t)index : count - 1;
}

static void report_add_place(struct message *message, const struct secret_run *run,
                             uintptr_t address) {
    static const char *const states[] = {
        [MALLOW_SECRET_CLOSED] = ", which is closed",
        [MALLOW_SECRET_READ_ONLY] = ", which is read-only",
        [MALLOW_SECRET_READ_WRITE] = "",
    };
    uint32_t process = atomic_load(&run->process);
    uint32_t index = report_nearest_slot(run, address);
    uintptr_t start = slots_address(run, index);
    size_t bytes = process == 0 ? SLOT_IS_FREE : atomic_load(&run->slots[index].bytes);
    if (process != 0 && process != runs_process()) {
        message_add(message, "secret memory of the parent process at ");
        message_add_address(message, address);
    } else if (bytes == SLOT_IS_FREE) {
        message_add(message, "secret memory without a secret at ");
        message_add_address(message, address);
    } else {
        if (address < start) message_add(message, "memory before ");
        if (address >= start + bytes) message_add(message, "memory after the end of ");
        message_add_secret(message, start, bytes);
        bool is_inside = address >= start && address - start < bytes;
        if (is_inside) message_add(message, states[atomic_load(&run->state)]);
    }
}

bool report_fault(const siginfo_t *info, void *context) {
    static const char *const kinds[] = {
        [ACCESS_READ] = "read of ", [ACCESS_WRITE] = "write to ", [ACCESS_UNKNOWN] = "access to "};
    uintptr_t address = (uintptr_t)info->si_addr;
    const struct secret_run *run = runs_find_fault(address);
    if (run == NULL) return false;
    struct message message;
    message_begin(&message);
    message_add(&message, kinds[access_kind(context)]);
    report_add_place(&message, run, address);
    message_write(&message);
    return false;
}
