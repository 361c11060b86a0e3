/* Takes a look at a process: splits its resident memory into parts. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/command.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "control/target.h"
#include "explain/explain.h"
#include "explain/explain_figures.h"
#include "proc/address_space.h"
#include "proc/proc.h"

const struct explain_name explain_part_names[PARTS] = {
    [PART_LIVE] = {"live", "live blocks, as requested"},
    [PART_ROUNDING] = {"rounding", "rounding of live blocks"},
    [PART_CACHED] = {"cached", "free, in magazines of threads"},
    [PART_HELD] = {"held", "freed, in quarantines"},
    [PART_PINNED] = {"pinned", "free, pinned by live blocks"},
    [PART_TRIMMABLE] = {"trimmable", "free, can be returned"},
    [PART_METADATA] = {"metadata", "allocator metadata"},
    [PART_GUARDED] = {"guarded", "guarded blocks"},
    [PART_HEAP] = {"break", "heap at the program break"},
    [PART_OWN] = {"own_mappings", "the program's own mappings"},
    [PART_SURPLUS] = {"huge_surplus", "unused parts of huge pages"},
    [PART_STACKS] = {"stacks", "stacks of threads"},
    [PART_DATA] = {"data", "data of program and libraries"},
    [PART_CODE] = {"code", "code of program and libraries"},
    [PART_FILES] = {"files", "mapped files"},
    [PART_SHARED] = {"shared_memory", "shared memory"},
    [PART_OTHER] = {"other", "devices and the kernel's pages"},
    [PART_ANONYMOUS] = {"private", "private memory, not split"},
};

int64_t explain_change(const struct explanation *explanation, enum explain_part part) {
    return (int64_t)(explain_last(explanation)->parts[part] - explanation->looks[0].parts[part]);
}

/* ---- what any user may read ---- */

static uint64_t explain_look_status_bytes(pid_t process, const char *field) {
    char line[PROC_LINE_SIZE];
    if (!proc_status_line(process, field, line)) return 0;
    return strtoull(line + strlen(field), NULL, 10) * 1024;
}

static void explain_look_read_status(struct explanation *explanation, struct explain_look *look) {
    pid_t process = explanation->process;
    long threads = proc_status_number(process, "Threads:");
    look->threads = threads > 0 ? (uint64_t)threads : 0;
    look->resident = explain_look_status_bytes(process, "VmRSS:");
    explanation->peak = explain_look_status_bytes(process, "VmHWM:");
    look->swapped = explain_look_status_bytes(process, "VmSwap:");
}

/* The split of a process that may not be inspected. */
static void explain_look_split_status(const struct explanation *explanation,
                                      struct explain_look *look) {
    look->parts[PART_ANONYMOUS] = explain_look_status_bytes(explanation->process, "RssAnon:");
    look->parts[PART_FILES] = explain_look_status_bytes(explanation->process, "RssFile:");
    look->parts[PART_SHARED] = explain_look_status_bytes(explanation->process, "RssShmem:");
}

/* ---- regions ---- */

/* Returns the part that a region's resident memory belongs to. */
static enum explain_part explain_look_part(const struct region *region) {
    switch (region->kind) {
    case REGION_PROGRAM_TEXT:
    case REGION_PROGRAM_RODATA:
    case REGION_LIBRARY_TEXT:
    case REGION_LIBRARY_RODATA:
        return PART_CODE;
    case REGION_PROGRAM_DATA:
    case REGION_PROGRAM_BSS:
    case REGION_LIBRARY_DATA:
    case REGION_LIBRARY_BSS:
        return PART_DATA;
    case REGION_BREAK:
        return PART_HEAP;
    case REGION_MAIN_STACK:
    case REGION_THREAD_STACK:
        return PART_STACKS;
    case REGION_FILE_PRIVATE:
    case REGION_FILE_SHARED:
        return PART_FILES;
    case REGION_SHARED_MEMORY:
        return PART_SHARED;
    case REGION_ANONYMOUS:
    case REGION_JIT:
        return PART_OWN;
    default:
        return PART_OTHER;
    }
}

static void explain_look_name_file(struct explain_file *file, const struct region *region,
                                   uint64_t bytes) {
    if (bytes <= file->bytes || *region->path == '\0') return;
    free(file->path);
    file->path = xstrdup(region->path);
    make_printable(file->path, strlen(file->path), "");
    file->bytes = bytes;
}

/* Stores the file with the most resident memory. The regions of a file are neighbours. */
static void explain_look_find_files(struct explanation *explanation,
                                    const struct address_space *space) {
    const struct region *regions = space->regions;
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = &regions[i];
        bool is_same = i > 0 && region->inode != 0 && region->inode == regions[i - 1].inode &&
                       region->device == regions[i - 1].device;
        bytes = (is_same ? bytes : 0) + region->figures.of[FIGURE_RSS];
        if (explain_look_part(region) == PART_FILES)
            explain_look_name_file(&explanation->file, region, bytes);
        if (explain_look_part(region) == PART_SHARED)
            explain_look_name_file(&explanation->shared, region, bytes);
    }
}

/* The resident memory of the allocator, as the kernel counts it. */
struct explain_look_mallow {
    uint64_t heap, metadata;
};

static struct explain_look_mallow explain_look_add_regions(struct explain_look *look,
                                                           const struct address_space *space) {
    struct explain_look_mallow mallow = {0, 0};
    for (size_t i = 0; i < space->count; i++) {
        const struct region *region = &space->regions[i];
        uint64_t bytes = region->figures.of[FIGURE_RSS];
        switch (region->kind) {
        case REGION_MALLOW_HEAP:
        case REGION_MALLOW_BLOCK:
        case REGION_MALLOW_GUARDED:
            mallow.heap += bytes;
            break;
        case REGION_MALLOW_METADATA:
        case REGION_MALLOW_PROFILE:
        case REGION_MALLOW_STACKS:
            mallow.metadata += bytes;
            break;
        default:
            look->parts[explain_look_part(region)] += bytes;
        }
    }
    return mallow;
}

static void explain_look_take(uint64_t *from, uint64_t *bytes) {
    uint64_t taken = *from < *bytes ? *from : *bytes;
    *from -= taken;
    *bytes -= taken;
}

/* The library counts the zero page as resident, with which the kernel backs pages that were only
 * read, and the kernel does not. Such pages are in live blocks. */
static void explain_look_correct(struct explain_look *look, struct explain_look_mallow mallow) {
    uint64_t figures = look->parts[PART_SURPLUS];
    if (mallow.metadata != 0) look->parts[PART_METADATA] = mallow.metadata;
    for (int part = PART_LIVE; part <= PART_GUARDED; part++)
        if (part != PART_METADATA) figures += look->parts[part];
    uint64_t zero = figures > mallow.heap ? figures - mallow.heap : 0;
    explain_look_take(&look->parts[PART_LIVE], &zero);
}

/* Unused parts of huge pages count neither as the program's mappings nor as live blocks. What the
 * library knows to be unused is part of them. */
static void explain_look_add_surplus(struct explain_look *look, uint64_t zero) {
    uint64_t *parts = look->parts;
    uint64_t rest = zero > parts[PART_SURPLUS] ? zero - parts[PART_SURPLUS] : 0, left = rest;
    explain_look_take(&parts[PART_OWN], &left);
    explain_look_take(&parts[PART_HEAP], &left);
    explain_look_take(&parts[PART_LIVE], &left);
    parts[PART_SURPLUS] += rest - left;
}

static void explain_look_split(struct explanation *explanation, struct explain_look *look,
                               const struct address_space *space) {
    explain_look_correct(look, explain_look_add_regions(look, space));
    look->mappings = space->mapping_count;
    look->shared_dirty = space->total.of[FIGURE_SHARED_DIRTY];
    look->private_dirty = space->total.of[FIGURE_PRIVATE_DIRTY];
    look->huge = space->total.of[FIGURE_ANON_HUGE];
    look->swapped = space->total.of[FIGURE_SWAP];
    look->resident = (space->has_rollup ? &space->rollup : &space->total)->of[FIGURE_RSS];
    if (explanation->count == 0) explanation->zero_share = explain_zero_share(space);
    if (explanation->zero_share > 0)
        explain_look_add_surplus(look, (uint64_t)(explanation->zero_share * (double)look->huge));
    explain_look_find_files(explanation, space);
}

/* ---- a look ---- */

double explain_seconds(void) {
    static int64_t first;
    int64_t now = clock_ms();
    if (first == 0) first = now;
    return (double)(now - first) / 1000;
}

void explain_look(struct explanation *explanation) {
    struct explain_look look = {.seconds = explain_seconds()};
    struct address_space space;
    char *answer = NULL;
    target_require_same(explanation->process);
    explain_look_read_status(explanation, &look);
    if (explanation->count == 0 || explanation->is_on_mallow)
        answer = explain_read_figures(explanation, &look);
    enum address_space_result result = address_space_read(&space, explanation->process);
    explanation->is_readable = result == ADDRESS_SPACE_READ && space.has_figures;
    if (answer != NULL) explain_mark_ranges(&space, answer);
    if (explanation->is_readable)
        explain_look_split(explanation, &look, &space);
    else
        explain_look_split_status(explanation, &look);
    free(answer);
    address_space_free(&space);
    target_require_same(explanation->process);
    if (look.resident == 0)
        errx(EXIT_OWN_FAILURE, "process %d has no memory: it is a kernel thread, or has ended",
             (int)explanation->process);
    look.unexplained = (int64_t)look.resident;
    for (int part = 0; part < PARTS; part++) look.unexplained -= (int64_t)look.parts[part];
    explanation->looks[explanation->count++] = look;
}
