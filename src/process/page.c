#include "process/page.h"

#include "base/compiler.h"
#include "base/numbers.h"
#include "mallow_page.h"
#include "os/os.h"
#include "os/os_service.h"

/* The page is never read here, because other processes can write to it on an old kernel. */
static struct {
    struct mallow_page *page;
    uint64_t sequence;
    int fd;
} page_published = {.fd = -1};

static bool page_make(void) {
    page_published.page =
        os_shared_memory(round_up(sizeof *page_published.page, os_page_size()), &page_published.fd);
    if (page_published.page == NULL) return false;
    page_published.page->magic = MALLOW_PAGE_MAGIC;
    page_published.page->version = MALLOW_PAGE_VERSION;
    page_published.page->size = sizeof *page_published.page;
    page_published.page->pid = (uint32_t)os_process_id();
    return true;
}

RARE int page_publish(const struct mallow_stats *stats) {
    if (page_published.page == NULL && !page_make()) return -1;
    struct mallow_page *page = page_published.page;
    /* It also acquires, because the writes that follow must not become visible before the odd
     * number. */
    __atomic_exchange_n(&page->sequence, ++page_published.sequence, __ATOMIC_ACQ_REL);
    page->stats = *stats;
    page->updated = os_coarse_ns();
    __atomic_store_n(&page->sequence, ++page_published.sequence, __ATOMIC_RELEASE);
    return page_published.fd;
}

void page_after_fork(void) {
    page_published.page = NULL;
    page_published.sequence = 0;
    page_published.fd = -1;
}
