/*
 * Runs: data pages with one protection, between guard pages.
 *
 *     shared pages:  | guard | data | guard | data | guard | ...    64 runs of a page each
 *     own pages:     | guard | data ...                    | guard |
 *
 * Each run is a separate mapping, so that a change of its protection neither splits nor merges
 * mappings. A run that is not in use is inaccessible address space. The descriptions of runs and
 * slots are outside the data pages, in memory that is never unmapped, so that the handler of faults
 * can read it at any time without a lock.
 *
 * Except for runs_find_fault(), the caller holds the lock of secret/process.h.
 */
#ifndef MALLOW_RUNS_H
#define MALLOW_RUNS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "mallow/secret.h"

#define SLOT_IS_FREE SIZE_MAX

/* A slot: a secret, or room for one. */
struct secret_slot {
    _Atomic size_t bytes; /* SLOT_IS_FREE if there is no secret */
    uint32_t readers, writers;
};

/* The address, the size, the state and the slots are atomic for the handler of faults. */
struct secret_run {
    _Atomic uintptr_t low; /* the first data page; 0 if the run has no addresses */
    _Atomic size_t bytes;  /* of the data pages */
    _Atomic(enum mallow_secret_state) state;
    _Atomic uint32_t process; /* the value of runs_process() if the run is in use, otherwise 0 */
    enum mallow_secret_memory memory;
    _Atomic uint32_t slot_bytes; /* including the canary after the secret; 0 for own pages */
    _Atomic uint32_t offset;     /* of the first slot in the data */
    _Atomic uint32_t slot_count;
    uint32_t used, first_free; /* no slot before first_free is free */
    uint32_t reading, writing; /* slots that are open for reading, and for writing */
    struct secret_slot *slots;
    struct secret_run *next, *previous; /* in a list */
};

/* Returns a run with pages of its own, readable and writable, whose slot_bytes, slot_count and
 * slots' contents the caller sets. Its memory reads as zero. `bytes` is a multiple of the page
 * size. Returns NULL and records the failure of `function`. */
struct secret_run *runs_take(size_t bytes, const char *function);

/* Unmaps the data, which the caller has cleared. */
void runs_give(struct secret_run *run);

/* Gives the data pages the state that the run's slots need, but at least the state `least`. Returns
 * false and sets errno if that fails; the protection is then unchanged. */
bool runs_protect(struct secret_run *run, enum mallow_secret_state least);

/* Returns the run whose data or guard pages contain the address, or NULL. */
struct secret_run *runs_find(uintptr_t address);

/* Calls the function for each run that is in use. */
void runs_visit(void (*visit)(struct secret_run *run));

/* Returns the run whose data or guard pages contain the address, or NULL. If two runs share the
 * guard page, returns the lower one. Async-signal-safe. */
struct secret_run *runs_find_fault(uintptr_t address);

/* Returns a number that differs between a process and its parent. Never 0. */
uint32_t runs_process(void);

/* Makes the runs of the parent inaccessible in a child that has just been created. */
void runs_enter_child(void);

/* The number of slots for which each run has room. */
uint32_t runs_slots_max(void);

struct runs_amounts {
    uint64_t locked, mapped; /* bytes */
};
struct runs_amounts runs_amounts(void);

#endif
