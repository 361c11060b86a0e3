/* Divides regions at given addresses, with their figures. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/xalloc.h"
#include "proc/address_space.h"
#include "proc/proc.h"

#define PAGE_SWAPPED ((uint64_t)1 << 62)
#define PAGE_PRESENT ((uint64_t)1 << 63)

/* How many pages of a part have memory. */
struct split_pages {
    uint64_t present, swapped;
};

static struct split_pages split_count(int pagemap, uint64_t start, uint64_t end) {
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), entries[512];
    struct split_pages pages = {0, 0};
    for (uint64_t at = start / page, last = end / page; at < last;) {
        size_t wanted = last - at < 512 ? (size_t)(last - at) : 512;
        ssize_t got =
            pread(pagemap, entries, wanted * sizeof *entries, (off_t)(at * sizeof *entries));
        if (got < (ssize_t)sizeof *entries) break;
        size_t count = (size_t)got / sizeof *entries;
        for (size_t i = 0; i < count; i++) {
            pages.present += (entries[i] & PAGE_PRESENT) != 0;
            pages.swapped += (entries[i] & PAGE_SWAPPED) != 0;
        }
        at += count;
    }
    return pages;
}

/* Returns the share of the figure that belongs to `part` of `whole` pages, in whole KiB. */
static uint64_t split_share(uint64_t figure, uint64_t part, uint64_t whole) {
    if (part >= whole || whole == 0) return figure;
    uint64_t kib = figure / 1024, share = (uint64_t)((double)kib * (double)part / (double)whole);
    return share * 1024;
}

/* The parts of a region, one of which is divided off after another. */
struct split_rest {
    struct region region;     /* what is left */
    struct split_pages pages; /* of the rest */
};

/* Takes the part up to `end` from the rest. If the pages are unknown, the sizes count. */
static struct region split_take(struct split_rest *rest, uint64_t end, int pagemap) {
    struct region part = rest->region;
    part.end = end;
    struct split_pages pages = split_count(pagemap, part.start, part.end);
    bool is_known = rest->pages.present + rest->pages.swapped != 0;
    for (int i = 0; i < FIGURES; i++) {
        bool is_swap = i == FIGURE_SWAP || i == FIGURE_SWAP_PSS;
        uint64_t of_part = is_swap ? pages.swapped : pages.present;
        uint64_t of_rest = is_swap ? rest->pages.swapped : rest->pages.present;
        uint64_t share = is_known ? split_share(part.figures.of[i], of_part, of_rest)
                                  : split_share(part.figures.of[i], region_bytes(&part),
                                                region_bytes(&rest->region));
        if (i == FIGURE_SIZE) share = region_bytes(&part);
        part.figures.of[i] = share;
        rest->region.figures.of[i] -= share;
    }
    rest->pages.present -=
        pages.present < rest->pages.present ? pages.present : rest->pages.present;
    rest->pages.swapped -=
        pages.swapped < rest->pages.swapped ? pages.swapped : rest->pages.swapped;
    if (rest->region.inode != 0) rest->region.offset += region_bytes(&part);
    rest->region.start = end;
    return part;
}

static void split_append(struct region **list, size_t *count, struct region region) {
    *list = xgrow(*list, *count, sizeof region);
    (*list)[(*count)++] = region;
}

void address_space_split(struct address_space *space, const uint64_t *addresses, size_t count) {
    struct region *list = NULL;
    size_t regions = 0, next = 0;
    int pagemap = open(proc_path(space->process, "pagemap").text, O_RDONLY | O_CLOEXEC);
    for (size_t i = 0; i < space->count; i++) {
        struct split_rest rest = {.region = space->regions[i]};
        while (next < count && addresses[next] <= rest.region.start) next++;
        bool is_split = next < count && addresses[next] < rest.region.end;
        if (is_split &&
            rest.region.figures.of[FIGURE_RSS] + rest.region.figures.of[FIGURE_SWAP] != 0)
            rest.pages = split_count(pagemap, rest.region.start, rest.region.end);
        for (; next < count && addresses[next] < rest.region.end; next++)
            if (addresses[next] > rest.region.start)
                split_append(&list, &regions, split_take(&rest, addresses[next], pagemap));
        split_append(&list, &regions, rest.region);
    }
    if (pagemap >= 0) close(pagemap);
    free(space->regions);
    space->regions = list;
    space->count = regions;
}
