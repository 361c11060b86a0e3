#include "guard/guard_budget.h"

#include "base/assert.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "guard/guard_range.h"
#include "guard/guard_record.h"
#include "os/os.h"

/* Live blocks may take half of the budget. The data about a range of 32 times the budget takes
 * about a third of it: a record of 64 bytes for every two pages, and an index entry and a
 * page-table entry for each page. */
#define GUARD_BUDGET_DEFAULT MIB
#define RANGE_OF_BUDGET 32u
#define RANGE_MAX (64 * GIB)
#define RANGE_PAGES_MIN ((size_t)2048)
#define LARGEST_SHARE 32u /* the budget divided by this is the limit for one block */

static UNTOUCHED struct {
    size_t blocks, bytes;         /* live blocks that have pages, and bytes of these pages */
    struct mapping_counts counts; /* of all live blocks, by requested size */
} guard_budget;

static size_t guard_budget_now(void) {
    if (settings.guard_budget != 0) return settings.guard_budget;
    return settings.guard > 1 && !settings.guard_large ? GUARD_BUDGET_DEFAULT : SIZE_MAX;
}

size_t guard_budget_range(void) {
    size_t most = min_size(guard_budget_now(), RANGE_MAX / RANGE_OF_BUDGET) * RANGE_OF_BUDGET;
    return max_size(most, RANGE_PAGES_MIN * os_page_size());
}

/* Each accessible block splits one mapping into three, so it adds two mappings. Half of the limit
 * is left for other mappings. */
static bool guard_budget_mappings_left(void) {
    static UNTOUCHED size_t most;
    if (most == 0) most = os_mapping_limit() / 4;
    return guard_budget.blocks < most;
}

static bool guard_budget_has_room(size_t bytes) {
    size_t most = guard_budget_now();
    if (most == SIZE_MAX) return true;
    return bytes <= max_size(most / LARGEST_SHARE, os_page_size()) &&
           guard_budget.bytes + bytes <= most / 2;
}

bool guard_budget_allows(size_t bytes) {
    return guard_budget_has_room(bytes) && guard_budget_mappings_left();
}

void guard_budget_count(const struct guard_record *record, bool comes) {
    size_t bytes = (record->pages - 1) * os_page_size();
    MALLOW_ASSERT(comes || guard_budget.bytes >= bytes);
    MALLOW_ASSERT(comes || bytes == 0 || guard_budget.blocks != 0);
    (comes ? mapping_counts_add : mapping_counts_remove)(&guard_budget.counts, record->size);
    if (bytes == 0) return;
    guard_budget.blocks += comes ? 1 : (size_t)-1;
    guard_budget.bytes += comes ? bytes : -bytes;
}

RARE struct mapping_counts guard_budget_counts(void) {
    struct lock_hold hold;
    bool held = open_lock_take(&guard_lock, &hold);
    struct mapping_counts counts = guard_budget.counts;
    if (held) open_lock_drop(&guard_lock, &hold);
    return counts;
}

RARE void guard_budget_forget(void) {
    guard_budget.blocks = guard_budget.bytes = 0;
    guard_budget.counts = (struct mapping_counts){.count_max = guard_budget.counts.count_max,
                                                  .bytes_max = guard_budget.counts.bytes_max};
}
