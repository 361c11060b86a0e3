#include "secret/runs.h"

#include <errno.h>
#include <sys/mman.h>

#include "base/kernel.h"
#include "base/kernel_lock.h"
#include "base/kernel_secret.h"
#include "base/limits.h"
#include "base/ranges.h"
#include "lock/lock.h"

#define RUNS_IN_BLOCK 64

/* Descriptions of runs, followed by their slots. */
struct runs_block {
    struct runs_block *_Atomic next;
    struct secret_run runs[RUNS_IN_BLOCK];
};

static struct runs_block *_Atomic runs_blocks;
static struct ranges runs_by_address; /* the value is the first run with addresses in the range */
static struct secret_run *runs_free_pages; /* runs of one page that have addresses, but no data */
static struct secret_run *runs_bare;       /* runs without addresses */
static bool runs_lack_secret_memory;       /* the kernel has no memfd_secret(2) for this process */
static struct runs_amounts runs_total;
static _Atomic uint32_t runs_generation = 1;

uint32_t runs_process(void) { return atomic_load(&runs_generation); }

uint32_t runs_slots_max(void) { return (uint32_t)(kernel_page() / 32); }

/* ---- blocks ---- */

static void runs_push(struct secret_run **list, struct secret_run *run) {
    run->next = *list;
    *list = run;
}

static struct secret_run *runs_pop(struct secret_run **list) {
    struct secret_run *run = *list;
    if (run != NULL) *list = run->next;
    return run;
}

static size_t runs_block_bytes(uint32_t slots) {
    size_t page = kernel_page();
    size_t bytes =
        sizeof(struct runs_block) + (size_t)RUNS_IN_BLOCK * slots * sizeof(struct secret_slot);
    return (bytes + page - 1) / page * page;
}

/* Creates descriptions of runs with `slots` slots each. Returns NULL and sets errno if there is no
 * memory. */
static struct runs_block *runs_create_block(uint32_t slots) {
    size_t bytes = runs_block_bytes(slots);
    struct runs_block *block = kernel_map(bytes, "mallow secret runs");
    if (block == NULL) return NULL;
    struct secret_slot *first = (struct secret_slot *)(block + 1);
    for (uint32_t i = 0; i < RUNS_IN_BLOCK; i++) block->runs[i].slots = first + (size_t)i * slots;
    runs_total.mapped += bytes;
    return block;
}

static void runs_publish(struct runs_block *block) {
    atomic_store_explicit(&block->next, atomic_load(&runs_blocks), memory_order_relaxed);
    atomic_store_explicit(&runs_blocks, block, memory_order_release);
}

/* ---- addresses ---- */

/* Reserves addresses for `count` runs of `bytes` bytes, which are described from `first` on.
 * Returns false and sets errno if there are none. */
static bool runs_reserve(struct secret_run *first, size_t count, size_t bytes) {
    size_t page = kernel_page(), total = page + count * (bytes + page);
    if (!ranges_reserve(&runs_by_address, 1)) return false;
    uintptr_t low = (uintptr_t)kernel_fence(total);
    if (low == 0) return false;
    struct range range = {.low = low, .high = low + total, .value = (uintptr_t)first};
    ranges_insert(&runs_by_address, ranges_find(&runs_by_address, low), range);
    runs_total.mapped += total;
    for (size_t i = 0; i < count; i++) {
        atomic_store(&first[i].bytes, bytes);
        atomic_store(&first[i].low, low + page + i * (bytes + page));
    }
    return true;
}

/* Adds runs of one page to the free ones. Returns false and sets errno if there is no memory. */
static bool runs_add_pages(void) {
    size_t page = kernel_page(), block_bytes = runs_block_bytes(runs_slots_max());
    struct runs_block *block = runs_create_block(runs_slots_max());
    if (block == NULL) return false;
    if (!runs_reserve(block->runs, RUNS_IN_BLOCK, page)) {
        int error = errno;
        kernel_unmap(block, block_bytes);
        runs_total.mapped -= block_bytes;
        errno = error;
        return false;
    }
    runs_publish(block);
    for (size_t i = RUNS_IN_BLOCK; i-- > 0;) runs_push(&runs_free_pages, &block->runs[i]);
    return true;
}

/* Returns a run of several pages that has addresses. Returns NULL and sets errno if there is no
 * memory. */
static struct secret_run *runs_take_large(size_t bytes) {
    if (runs_bare == NULL) {
        struct runs_block *block = runs_create_block(1);
        if (block == NULL) return NULL;
        runs_publish(block);
        for (size_t i = RUNS_IN_BLOCK; i-- > 0;) runs_push(&runs_bare, &block->runs[i]);
    }
    return runs_reserve(runs_bare, 1, bytes) ? runs_pop(&runs_bare) : NULL;
}

static struct secret_run *runs_take_addresses(size_t bytes) {
    if (bytes != kernel_page()) return runs_take_large(bytes);
    if (runs_free_pages == NULL && !runs_add_pages()) return NULL;
    return runs_pop(&runs_free_pages);
}

/* Keeps errno. */
static void runs_give_addresses(struct secret_run *run) {
    int error = errno;
    size_t bytes = atomic_load(&run->bytes), page = kernel_page();
    if (bytes == page) {
        runs_push(&runs_free_pages, run);
    } else {
        uintptr_t low = atomic_exchange(&run->low, 0) - page;
        ranges_remove(&runs_by_address, ranges_find(&runs_by_address, low));
        kernel_unmap((void *)low, bytes + 2 * page);
        runs_total.mapped -= bytes + 2 * page;
        runs_push(&runs_bare, run);
    }
    errno = error;
}

/* ---- data ---- */

/* Maps memory of memfd_secret(2). Returns false if there is none. */
static bool runs_map_secret(void *p, size_t bytes) {
    if (runs_lack_secret_memory) return false;
    if (!kernel_map_secret(p, bytes)) {
        /* After another error, memfd_secret may work later. */
        runs_lack_secret_memory = errno == ENOSYS || errno == EPERM || errno == EACCES;
        return false;
    }
    if (kernel_omit_from_fork(p, bytes)) return true;
    kernel_fence_again(p, bytes);
    return false;
}

/* Maps private memory that is locked. Returns false and records the failure of `function`. */
static bool runs_map_locked(void *p, size_t bytes, const char *function) {
    const char *call = NULL;
    if (!kernel_map_private(p, bytes))
        call = "mprotect";
    else if (!kernel_omit_from_dump(p, bytes) || !kernel_wipe_on_fork(p, bytes))
        call = "madvise";
    if (call != NULL)
        limits_fail(function, call, bytes);
    else if (lock_take(function, p, bytes, 0) == MALLOW_OK)
        return true;
    int error = errno;
    kernel_fence_again(p, bytes);
    errno = error;
    return false;
}

struct secret_run *runs_take(size_t bytes, const char *function) {
    int error = errno;
    struct secret_run *run = runs_take_addresses(bytes);
    if (run == NULL) {
        limits_fail(function, "mmap", bytes);
        return NULL;
    }
    void *data = (void *)atomic_load(&run->low);
    run->memory = MALLOW_SECRET_UNMAPPED_IN_KERNEL;
    if (!runs_map_secret(data, bytes)) {
        run->memory = MALLOW_SECRET_LOCKED;
        if (!runs_map_locked(data, bytes, function)) {
            runs_give_addresses(run);
            return NULL;
        }
    }
    runs_total.locked += bytes;
    run->used = run->first_free = run->reading = run->writing = 0;
    atomic_store(&run->state, MALLOW_SECRET_READ_WRITE);
    atomic_store(&run->process, runs_process());
    errno = error;
    return run;
}

/* Pages that cannot be unmapped stay inaccessible and locked, and are never used again. */
void runs_give(struct secret_run *run) {
    int error = errno;
    size_t bytes = atomic_load(&run->bytes);
    void *data = (void *)atomic_load(&run->low);
    atomic_store(&run->process, 0);
    atomic_store(&run->state, MALLOW_SECRET_CLOSED);
    if (kernel_fence_again(data, bytes)) {
        if (run->memory == MALLOW_SECRET_LOCKED) lock_give(__func__, data, bytes);
        runs_total.locked -= bytes;
        runs_give_addresses(run);
    } else {
        kernel_guard(data, bytes, PROT_NONE);
    }
    errno = error;
}

bool runs_protect(struct secret_run *run, enum mallow_secret_state least) {
    static const int protections[] = {
        [MALLOW_SECRET_CLOSED] = PROT_NONE,
        [MALLOW_SECRET_READ_ONLY] = PROT_READ,
        [MALLOW_SECRET_READ_WRITE] = PROT_READ | PROT_WRITE,
    };
    enum mallow_secret_state state = MALLOW_SECRET_CLOSED;
    if (run->reading != 0) state = MALLOW_SECRET_READ_ONLY;
    if (run->writing != 0) state = MALLOW_SECRET_READ_WRITE;
    if (state < least) state = least;
    if (state == atomic_load(&run->state)) return true;
    void *data = (void *)atomic_load(&run->low);
    if (!kernel_guard(data, atomic_load(&run->bytes), protections[state])) return false;
    atomic_store(&run->state, state);
    return true;
}

struct runs_amounts runs_amounts(void) { return runs_total; }

/* ---- search ---- */

struct secret_run *runs_find(uintptr_t address) {
    size_t i = ranges_find(&runs_by_address, address), page = kernel_page();
    if (i == runs_by_address.count || runs_by_address.at[i].low > address) return NULL;
    struct secret_run *first = (struct secret_run *)(uintptr_t)runs_by_address.at[i].value;
    uintptr_t low = runs_by_address.at[i].low + page;
    if (address < low) return first;
    return &first[(address - low) / (atomic_load(&first->bytes) + page)];
}

void runs_visit(void (*visit)(struct secret_run *run)) {
    struct runs_block *block = atomic_load_explicit(&runs_blocks, memory_order_acquire);
    for (; block != NULL; block = atomic_load_explicit(&block->next, memory_order_acquire))
        for (size_t i = 0; i < RUNS_IN_BLOCK; i++)
            if (atomic_load(&block->runs[i].process) != 0) visit(&block->runs[i]);
}

struct secret_run *runs_find_fault(uintptr_t address) {
    struct secret_run *above = NULL;
    size_t page = kernel_page();
    struct runs_block *block = atomic_load_explicit(&runs_blocks, memory_order_acquire);
    for (; block != NULL; block = atomic_load_explicit(&block->next, memory_order_acquire))
        for (size_t i = 0; i < RUNS_IN_BLOCK; i++) {
            uintptr_t low = atomic_load(&block->runs[i].low);
            if (low == 0) continue;
            if (address - low < atomic_load(&block->runs[i].bytes) + page) return &block->runs[i];
            if (low - address - 1 < page) above = &block->runs[i];
        }
    return above;
}

/* ---- children ---- */

/* Memory of memfd_secret(2) is not mapped here. Private memory reads as zero. */
static void runs_fence(struct secret_run *run) {
    void *data = (void *)atomic_load(&run->low);
    size_t bytes = atomic_load(&run->bytes);
    if (run->memory == MALLOW_SECRET_LOCKED)
        kernel_fence_again(data, bytes);
    else
        kernel_fence_gap(data, bytes);
    atomic_store(&run->state, MALLOW_SECRET_CLOSED);
}

void runs_enter_child(void) {
    runs_visit(runs_fence);
    runs_total.locked = 0;
    atomic_fetch_add(&runs_generation, 1);
}
