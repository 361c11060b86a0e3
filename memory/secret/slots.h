/*
 * Slots: the memory of secrets in runs.
 *
 *     shared page:  | canary | secret, canary | secret, canary | ...
 *     own pages:    | ...              canary | secret, canary |
 *
 * A shared page has slots of one size, each of which ends with a canary of at least 16 bytes. The
 * canary before a secret is that of the previous slot, or of the page. In free slots, all bytes
 * before the last 16 are 0. A secret with own pages ends at the guard page if its alignment permits
 * that, and the 16 bytes before it are a canary if the page has room for them.
 *
 * The caller holds the lock of secret/process.h. Data pages must be accessible where a function
 * accesses them.
 */
#ifndef MALLOW_SLOTS_H
#define MALLOW_SLOTS_H

#include "secret/runs.h"

/* The slot of a secret. */
struct slot_ref {
    struct secret_run *run;
    uint32_t index;
};

/* Returns a free slot for a secret of `bytes` bytes, at most slots_shared_max(), in a shared page
 * that is readable and writable. Returns a slot whose run is NULL and records the failure of
 * `function` if there is none. */
struct slot_ref slots_take_shared(size_t bytes, const char *function);

/* Returns a free slot in a run with own pages. With `is_exact`, the secret ends at the guard page.
 */
struct slot_ref slots_take_own(size_t bytes, bool is_exact, const char *function);

/* Clears the slot and frees it. Its page must be readable and writable, and stays so unless
 * `is_last` is true or the page becomes empty. Keeps errno. */
void slots_give(struct slot_ref slot, bool is_last);

/* Finds the slot of the secret that starts at the address. Returns a slot whose run is NULL if
 * there is none.
 */
struct slot_ref slots_find(uintptr_t address);

static inline struct secret_slot *slots_at(struct slot_ref slot) {
    return &slot.run->slots[slot.index];
}

/* Returns the address of the secret, whose slot may be free in a shared page. Async-signal-safe. */
uintptr_t slots_address(const struct secret_run *run, uint32_t index);

/* Ends the process with a message if a canary of the slot is damaged. */
void slots_check(struct slot_ref slot);

/* The size of the largest secret in a shared page. */
size_t slots_shared_max(void);

struct slots_amounts {
    uint64_t secrets, bytes; /* their number, and the sum of their sizes */
};
struct slots_amounts slots_amounts(void);

/* Forgets the shared pages of the parent. */
void slots_enter_child(void);

#endif
