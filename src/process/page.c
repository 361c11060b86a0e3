#include "process/page.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "mallow_page.h"
#include "os/os.h"
#include "os/os_service.h"

/* Nothing is ever read back from the page: on an old kernel others can write it. */
static struct {
    struct mallow_page *page;
    uint64_t sequence;
    int fd;
} published = {.fd = -1};

static bool make_page(void) {
    published.page =
        os_shared_memory(round_up(sizeof *published.page, os_page_size()), &published.fd);
    if (published.page == NULL) return false;
    published.page->magic = MALLOW_PAGE_MAGIC;
    published.page->version = MALLOW_PAGE_VERSION;
    published.page->size = sizeof *published.page;
    published.page->pid = (uint32_t)os_process_id();
    return true;
}

RARE int page_publish(const struct mallow_stats *stats) {
    if (published.page == NULL && !make_page()) return -1;
    struct mallow_page *page = published.page;
    /* Acquire too: what follows is not written before it. */
    __atomic_exchange_n(&page->sequence, ++published.sequence, __ATOMIC_ACQ_REL);
    page->stats = *stats;
    page->updated = os_coarse_ns();
    __atomic_store_n(&page->sequence, ++published.sequence, __ATOMIC_RELEASE);
    return published.fd;
}

void page_after_fork(void) {
    published.page = NULL;
    published.sequence = 0;
    published.fd = -1;
}
