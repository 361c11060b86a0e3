#include "profile/profile_threads.h"

#include <string.h>

#include "base/compiler.h"
#include "os/os_thread.h"
#include "profile/profile_lock.h"
#include "profile/profile_table.h"

struct profile_thread {
    struct table_link link;
    struct mallow_profile_thread record;
};

static UNTOUCHED char *profile_threads_chunks[TABLE_CHUNKS];
static struct table profile_threads_table = {.entry_bytes = sizeof(struct profile_thread),
                                             .chunks = profile_threads_chunks};

static struct profile_thread *profile_threads_at(uint32_t n) {
    return table_at(&profile_threads_table, n);
}

/* Without memory, the thread stays unknown: only its name is missing in the profile. */
static NOINLINE void profile_threads_add(uint32_t thread, uint32_t hash) {
    uint32_t n = table_take(&profile_threads_table);
    if (n == 0) return;
    struct mallow_profile_thread *record = &profile_threads_at(n)->record;
    *record = (struct mallow_profile_thread){.thread = thread};
    os_thread_name(record->name);
    table_insert(&profile_threads_table, n, hash);
}

void profile_threads_see(uint32_t thread) {
    uint32_t hash = table_hash(thread), n = table_first(&profile_threads_table, hash);
    while (n != 0 && profile_threads_at(n)->record.thread != thread)
        n = table_next(&profile_threads_table, n);
    if (n == 0) profile_threads_add(thread, hash);
}

size_t profile_threads_read(uint32_t *next, struct mallow_profile_thread *threads, size_t max) {
    struct lock_hold hold;
    size_t count = 0;
    if (!open_lock_take(&profile_lock, &hold)) return 0;
    while (count < max && *next < profile_threads_table.high) {
        const struct profile_thread *thread = table_used(&profile_threads_table, ++*next);
        if (thread != NULL) threads[count++] = thread->record;
    }
    open_lock_drop(&profile_lock, &hold);
    return count;
}

RARE void profile_threads_repair(void) { table_repair(&profile_threads_table); }

const struct table *profile_threads_memory(void) { return &profile_threads_table; }
