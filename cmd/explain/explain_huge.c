/*
 * Estimates which share of a process's huge pages is unused. The kernel counts a huge page as
 * resident as a whole, even if the program has touched a few bytes of it; the rest is zero. The
 * small pages of a sample of huge pages are read and compared with zero. The kernel finds underused
 * huge pages in the same way.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "explain/explain.h"
#include "proc/address_space.h"
#include "proc/proc.h"

#define HUGE_PAGE ((uint64_t)2 << 20)
#define SMALL_PAGE ((uint64_t)4096)
#define SMALL_PAGES (HUGE_PAGE / SMALL_PAGE)
#define SAMPLES_MAX 64u

struct explain_huge_sample {
    int memory, pagemap;
    unsigned char *content; /* of a huge page */
    uint64_t small, zero;   /* pages that were read, and those that are zero */
};

/* Returns true if all small pages of the range are in memory, as those of a huge page are. */
static bool explain_huge_is_present(const struct explain_huge_sample *sample, uint64_t address) {
    uint64_t entries[SMALL_PAGES];
    off_t at = (off_t)(address / SMALL_PAGE * sizeof *entries);
    if (pread(sample->pagemap, entries, sizeof entries, at) != sizeof entries) return false;
    for (size_t i = 0; i < SMALL_PAGES; i++)
        if (entries[i] >> 63 == 0) return false;
    return true;
}

static bool explain_huge_is_zero(const unsigned char *page) {
    return page[0] == 0 && memcmp(page, page + 1, SMALL_PAGE - 1) == 0;
}

static void explain_huge_read(struct explain_huge_sample *sample, uint64_t address) {
    if (!explain_huge_is_present(sample, address)) return;
    if (pread(sample->memory, sample->content, HUGE_PAGE, (off_t)address) != (ssize_t)HUGE_PAGE)
        return;
    for (size_t i = 0; i < SMALL_PAGES; i++)
        sample->zero += explain_huge_is_zero(sample->content + i * SMALL_PAGE);
    sample->small += SMALL_PAGES;
}

/* Reads every `step`-th huge page of the regions that have huge pages. */
static void explain_huge_read_regions(struct explain_huge_sample *sample,
                                      const struct address_space *space, uint64_t step) {
    uint64_t next = step / 2;
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = &space->regions[i];
        uint64_t start = (region->start + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE;
        if (region->figures.of[FIGURE_ANON_HUGE] == 0 || start >= region->end) continue;
        uint64_t pages = (region->end - start) / HUGE_PAGE;
        for (; next < pages; next += step) explain_huge_read(sample, start + next * HUGE_PAGE);
        next -= pages;
    }
}

static uint64_t explain_huge_candidates(const struct address_space *space) {
    uint64_t count = 0;
    for (size_t i = 0; i < space->count; i++)
        if (space->regions[i].figures.of[FIGURE_ANON_HUGE] != 0)
            count += region_bytes(&space->regions[i]) / HUGE_PAGE;
    return count;
}

double explain_zero_share(const struct address_space *space) {
    uint64_t candidates = explain_huge_candidates(space);
    if (candidates == 0) return -1;
    struct explain_huge_sample sample = {
        .memory = open(proc_path(space->process, "mem").text, O_RDONLY | O_CLOEXEC),
        .pagemap = open(proc_path(space->process, "pagemap").text, O_RDONLY | O_CLOEXEC),
        .content = xnonnull(malloc(HUGE_PAGE)),
    };
    explain_huge_read_regions(&sample, space, candidates / SAMPLES_MAX + 1);
    if (sample.memory >= 0) close(sample.memory);
    if (sample.pagemap >= 0) close(sample.pagemap);
    free(sample.content);
    return sample.small == 0 ? -1 : (double)sample.zero / (double)sample.small;
}
