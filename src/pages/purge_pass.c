#include "pages/purge_pass.h"

#include "base/layout.h"
#include "base/numbers.h"
#include "os/open_lock.h"
#include "pages/pages.h"
#include "pages/purge.h"

#define EXCHANGE_MAX ((size_t)64 * MIB >> RUN_SHIFT) /* pages; rarely more are touched at once */

bool purge_pass_unused(int64_t now) {
    if (!purge_is_due(now)) return false;
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    bool some = purge_is_due(now) && purge_unused(now);
    open_lock_drop(&global_lock, &hold);
    return some;
}

bool purge_pass_has_more(void) {
    struct lock_hold hold;
    if (!open_lock_take(&global_lock, &hold)) return false;
    pages_settle();
    bool more = purge_exceeds_budget();
    open_lock_drop(&global_lock, &hold);
    return more;
}

void purge_pass_exchange(size_t pages) {
    struct lock_hold hold;
    bool first = true;
    for (size_t left = min_size(pages, EXCHANGE_MAX), gone = 1; left > 0 && gone > 0;) {
        if (!open_lock_take(&global_lock, &hold)) return;
        pages_settle();
        if (first) purge_regret(pages);
        first = false;
        gone = purge_exchange(min_size(left, PURGE_SLICE));
        open_lock_drop(&global_lock, &hold);
        left -= min_size(left, gone);
    }
}

void purge_pass_group(void) {
    if (!purge_has_group()) return;
    struct lock_hold hold;
    for (bool more = true; more && open_lock_take(&global_lock, &hold);) {
        pages_settle();
        more = purge_for_group();
        open_lock_drop(&global_lock, &hold);
    }
}
