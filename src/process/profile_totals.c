#include "process/profile_totals.h"

#include "base/compiler.h"
#include "process/stats.h"

RARE void profile_totals_read(struct mallow_profile_snapshot *snapshot, uint64_t *class_blocks) {
    static UNTOUCHED struct mallow_stats stats;
    stats_read(&stats);
    snapshot->live_blocks = stats.live_blocks + stats.mappings;
    snapshot->live_bytes = stats.live_bytes + stats.mapping_bytes;
    snapshot->large_blocks = stats.run_blocks + stats.mappings;
    snapshot->large_bytes = stats.run_bytes + stats.mapping_bytes;
    snapshot->heap_bytes = stats.heap_bytes;
    snapshot->metadata_bytes = stats.metadata_bytes;
    for (unsigned i = 0; i < CLASSES; i++) class_blocks[i] = stats.classes[i].used_slots;
}
