#include "profile/profile_memory.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "profile/profile_lock.h"
#include "profile/profile_section.h"
#include "profile/profile_table.h"
#include "profile/profile_threads.h"
#include "profile/samples.h"
#include "profile/sites.h"

static void profile_memory_of(const struct table *table,
                              void (*call)(void *to, const void *start, size_t bytes), void *to) {
    struct lock_hold hold;
    if (!open_lock_take(&profile_lock, &hold)) return;
    const void *index = table->index;
    size_t index_bytes = table_index_bytes(table->mask + 1);
    uint32_t chunks = table->index == NULL ? 0 : table->high / TABLE_CHUNK_ENTRIES + 1;
    open_lock_drop(&profile_lock, &hold);
    if (index != NULL) call(to, index, index_bytes);
    for (uint32_t i = 0; i < chunks; i++)
        if (table->chunks[i] != NULL) call(to, table->chunks[i], table_chunk_bytes(table));
}

RARE void profile_memory_each(void (*call)(void *to, const void *start, size_t bytes), void *to) {
    profile_memory_of(samples_memory(), call, to);
    profile_memory_of(sites_memory(), call, to);
    profile_memory_of(profile_threads_memory(), call, to);
    for (unsigned i = 0; i < SECTION_MEMORIES; i++)
        if (section_memory_start(i) != NULL)
            call(to, section_memory_start(i), section_memory_bytes());
}
