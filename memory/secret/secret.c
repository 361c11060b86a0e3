#include "mallow/secret.h"

#include <errno.h>
#include <stdint.h>

#include "base/failure.h"
#include "base/kernel.h"
#include "base/limits.h"
#include "mallow/bytes.h"
#include "secret/process.h"
#include "secret/slots.h"

static enum mallow_result secret_refuse(const char *function, enum mallow_result result) {
    return failure_set((struct mallow_error){.result = result, .function = function});
}

/* ---- allocation ---- */

static void *secret_alloc(size_t bytes, unsigned flags, const char *function) {
    bool is_exact = (flags & MALLOW_SECRET_OWN_PAGES) != 0;
    bool has_own_pages = bytes != 0 && (is_exact || bytes > slots_shared_max());
    if (!process_prepare(function)) return NULL;
    struct slot_ref slot = has_own_pages ? slots_take_own(bytes, is_exact, function)
                                         : slots_take_shared(bytes, function);
    if (slot.run == NULL) return NULL;
    return (void *)slots_address(slot.run, slot.index);
}

void *mallow_secret_alloc(size_t bytes, unsigned flags) {
    if ((flags & ~(unsigned)MALLOW_SECRET_OWN_PAGES) != 0) {
        secret_refuse(__func__, MALLOW_BAD_ARGUMENT);
        return NULL;
    }
    if (bytes > PTRDIFF_MAX - 4 * kernel_page()) {
        FAIL(MALLOW_TOO_LARGE, .wanted = bytes);
        return NULL;
    }
    process_enter();
    void *secret = secret_alloc(bytes, flags, __func__);
    process_leave();
    return secret;
}

/* Frees a secret. Its page stays writable if `next`, the next secret to be freed, is in the same
 * page. A secret of the parent process needs no action. */
static enum mallow_result secret_free(const void *p, const void *next, const char *function) {
    struct slot_ref slot = slots_find((uintptr_t)p);
    if (slot.run == NULL) return secret_refuse(function, MALLOW_NOT_SECRET);
    if (atomic_load(&slot.run->process) != runs_process()) {
        atomic_store(&slots_at(slot)->bytes, SLOT_IS_FREE);
        return MALLOW_OK;
    }
    if (!runs_protect(slot.run, MALLOW_SECRET_READ_WRITE))
        return limits_fail(function, "mprotect", kernel_page());
    slots_check(slot);
    slots_give(slot, p == next || slots_find((uintptr_t)next).run != slot.run);
    return MALLOW_OK;
}

enum mallow_result mallow_secret_free(void *p) {
    if (p == NULL) return MALLOW_OK;
    process_enter();
    enum mallow_result result = secret_free(p, NULL, __func__);
    process_leave();
    return result;
}

enum mallow_result mallow_secret_free_all(void *const *secrets, size_t count) {
    enum mallow_result first = MALLOW_OK;
    if (secrets == NULL && count != 0) return FAIL(MALLOW_BAD_ARGUMENT);
    process_enter();
    for (size_t i = 0; i < count; i++) {
        const void *next = i + 1 < count ? secrets[i + 1] : NULL;
        if (secrets[i] == NULL) continue;
        enum mallow_result result = secret_free(secrets[i], next, __func__);
        if (first == MALLOW_OK) first = result;
    }
    process_leave();
    return first;
}

/* ---- access ---- */

/* Returns the slot of a secret of this process, or a slot whose run is NULL. */
static struct slot_ref secret_find(const void *p) {
    struct slot_ref slot = slots_find((uintptr_t)p);
    if (slot.run != NULL && atomic_load(&slot.run->process) != runs_process()) slot.run = NULL;
    return slot;
}

/* Adds `change`, 1 or -1, to the opens for the access. */
static void secret_count(struct slot_ref slot, bool is_write, uint32_t change) {
    struct secret_slot *at = slots_at(slot);
    uint32_t *opens = is_write ? &at->writers : &at->readers;
    uint32_t *slots = is_write ? &slot.run->writing : &slot.run->reading;
    bool was_open = *opens != 0;
    *opens += change;
    bool is_open = *opens != 0;
    if (was_open != is_open) *slots += change;
}

/* Opens or closes the secret. */
static enum mallow_result secret_change(const void *p, unsigned access, bool is_open,
                                        const char *function) {
    if (access == 0 || (access & ~(unsigned)(MALLOW_SECRET_READ | MALLOW_SECRET_WRITE)) != 0)
        return secret_refuse(function, MALLOW_BAD_ARGUMENT);
    bool is_write = (access & MALLOW_SECRET_WRITE) != 0;
    struct slot_ref slot = secret_find(p);
    if (slot.run == NULL) return secret_refuse(function, MALLOW_NOT_SECRET);
    struct secret_slot *at = slots_at(slot);
    uint32_t opens = is_write ? at->writers : at->readers;
    if (is_open && opens == UINT32_MAX) return secret_refuse(function, MALLOW_TOO_LARGE);
    if (!is_open && opens == 0) return secret_refuse(function, MALLOW_NOT_OPEN);
    if (!is_open) slots_check(slot);
    uint32_t change = is_open ? 1 : UINT32_MAX;
    secret_count(slot, is_write, change);
    if (runs_protect(slot.run, MALLOW_SECRET_CLOSED)) return MALLOW_OK;
    secret_count(slot, is_write, -change);
    return limits_fail(function, "mprotect", kernel_page());
}

enum mallow_result mallow_secret_open(const void *p, unsigned access) {
    process_enter();
    enum mallow_result result = secret_change(p, access, true, __func__);
    process_leave();
    return result;
}

enum mallow_result mallow_secret_close(const void *p, unsigned access) {
    process_enter();
    enum mallow_result result = secret_change(p, access, false, __func__);
    process_leave();
    return result;
}

/* ---- comparison ---- */

/* Opens the secret for reading if it has at least `bytes` bytes. */
static enum mallow_result secret_open_part(const void *p, size_t bytes, const char *function) {
    struct slot_ref slot = secret_find(p);
    if (slot.run == NULL) return secret_refuse(function, MALLOW_NOT_SECRET);
    size_t room = atomic_load(&slots_at(slot)->bytes);
    if (bytes > room)
        return failure_set((struct mallow_error){
            .result = MALLOW_NO_ROOM, .function = function, .wanted = bytes, .maximum = room});
    return secret_change(p, MALLOW_SECRET_READ, true, function);
}

bool mallow_secret_equal(const void *p, const void *other, size_t bytes) {
    if (other == NULL) return FAIL(MALLOW_BAD_ARGUMENT), false;
    bool is_equal = false;
    process_enter();
    bool is_open = secret_open_part(p, bytes, __func__) == MALLOW_OK;
    bool has_secret = secret_find(other).run != NULL;
    bool is_other_open = is_open && (!has_secret || secret_open_part(other, bytes, __func__) == 0);
    process_leave();
    if (is_other_open) {
        is_equal = mallow_equal(p, other, bytes);
        if (has_secret) mallow_secret_close(other, MALLOW_SECRET_READ);
    }
    if (is_open) mallow_secret_close(p, MALLOW_SECRET_READ);
    return is_equal;
}

/* ---- queries ---- */

enum mallow_result mallow_secret_describe(const void *p,
                                          struct mallow_secret_description *description) {
    if (description == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    process_enter();
    struct slot_ref slot = secret_find(p);
    if (slot.run != NULL) {
        const struct secret_slot *at = slots_at(slot);
        enum mallow_secret_state state = MALLOW_SECRET_CLOSED;
        if (at->readers != 0) state = MALLOW_SECRET_READ_ONLY;
        if (at->writers != 0) state = MALLOW_SECRET_READ_WRITE;
        *description = (struct mallow_secret_description){
            .bytes = atomic_load(&at->bytes),
            .readers = at->readers,
            .writers = at->writers,
            .state = state,
            .page_state = atomic_load(&slot.run->state),
            .memory = slot.run->memory,
            .has_own_pages = atomic_load(&slot.run->slot_bytes) == 0,
        };
    }
    process_leave();
    return slot.run != NULL ? MALLOW_OK : FAIL(MALLOW_NOT_SECRET);
}

struct mallow_secret_amounts mallow_secret_usage(void) {
    process_enter();
    struct runs_amounts runs = runs_amounts();
    struct slots_amounts slots = slots_amounts();
    struct mallow_secret_amounts amounts = {
        .secrets = slots.secrets,
        .bytes = slots.bytes,
        .locked = runs.locked,
        .mapped = runs.mapped,
    };
    process_leave();
    return amounts;
}
