/* Asks a process that runs on Mallow for its ranges and for the pages of its heap. */
#include <ctype.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/attempt.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "map/map.h"
#include "proc/proc.h"

static const struct control_limits heap_limits = {60, (size_t)256 << 20};
#define HEAP_PAGES_MAX ((uint64_t)1 << 28)

/* ---- the request ---- */

struct heap_request {
    pid_t process;
    const char *line;
};

static void heap_ask(FILE *to, void *with) {
    const struct heap_request *request = with;
    char *answer = control_request(request->process, request->line, heap_limits);
    fputs(answer, to);
    free(answer);
}

/* A stopped process would be waited for. */
static bool heap_is_stopped(pid_t process) {
    char line[PROC_LINE_SIZE];
    return proc_status_line(process, "State:", line) &&
           strchr("TtZX", line[strlen("State:\t")]) != NULL;
}

static bool heap_runs_on_mallow(const struct address_space *space) {
    for (size_t i = 0; i < space->count; i++)
        if (strstr(space->regions[i].path, "/libmallow.so") != NULL ||
            space->regions[i].kind == REGION_MALLOW_HEAP)
            return true;
    return false;
}

/* ---- ranges ---- */

struct heap_ranges {
    struct mallow_range *list;
    size_t count;
};

static void heap_add_range(struct heap_ranges *ranges, const char *line) {
    struct mallow_range range;
    if (!mallow_range_parse(line, &range)) return;
    ranges->list = xgrow(ranges->list, ranges->count, sizeof range);
    ranges->list[ranges->count++] = range;
}

/* ---- pages ---- */

static uint64_t heap_bytes(const struct address_space *space) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < space->count; i++)
        if (space->regions[i].kind == REGION_MALLOW_HEAP) bytes += region_bytes(&space->regions[i]);
    return bytes;
}

static enum page_use heap_use(char letter) {
    switch (letter) {
    case 'b':
    case 'f':
        return PAGE_FULL;
    case 'p':
        return PAGE_PARTIAL;
    case 'x':
        return PAGE_FOREIGN;
    case 'c':
        return PAGE_ABSENT;
    default:
        return PAGE_FREE;
    }
}

/* Reads letters with counts, such as "f12pe3", for at most `room` pages. */
static void heap_read_letters(struct map_heap *heap, const char *at, size_t room) {
    heap->pages = xcalloc(room + 1, 1);
    while (isalpha((unsigned char)*at) || *at == '?') {
        enum page_use use = heap_use(*at++);
        char *end = (char *)(uintptr_t)at;
        uint64_t count = isdigit((unsigned char)*at) ? strtoull(at, &end, 10) : 1;
        at = end;
        if (count > room - heap->count) count = room - heap->count;
        memset(heap->pages + heap->count, (int)use, count);
        heap->count += count;
    }
}

/* Finds out which pages are resident. The library does not know that. */
static void heap_find_resident(struct map_heap *heap, pid_t process) {
    enum { PIECE = 512 };
    uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE), entries[PIECE];
    const uint64_t swapped = (uint64_t)1 << 62, present = (uint64_t)1 << 63;
    int pagemap = open(proc_path(process, "pagemap").text, O_RDONLY | O_CLOEXEC);
    uint64_t from = UINT64_MAX, got = 0;
    for (size_t i = 0; pagemap >= 0 && i < heap->count; i++) {
        uint64_t at = (heap->start + i * heap->page_bytes) / page;
        if (at < from || at >= from + got) {
            ssize_t bytes = pread(pagemap, entries, sizeof entries, (off_t)(at * sizeof *entries));
            if (bytes < (ssize_t)sizeof *entries) break;
            from = at;
            got = (uint64_t)bytes / sizeof *entries;
        }
        uint64_t entry = entries[at - from];
        if ((entry & swapped) != 0)
            heap->pages[i] = PAGE_SWAPPED;
        else if ((entry & present) == 0)
            heap->pages[i] = PAGE_ABSENT;
        else if (heap->pages[i] == PAGE_ABSENT)
            heap->pages[i] = PAGE_FREE;
    }
    if (pagemap >= 0) close(pagemap);
}

/* Reads a line such as "pages 0x7f0000 4096 f12pe3". */
static void heap_read_pages(struct map_heap *heap, const struct address_space *space,
                            const char *line) {
    int letters = 0;
    if (sscanf(line, "pages %lx %lu %n", &heap->start, &heap->page_bytes, &letters) != 2 ||
        letters == 0 || heap->page_bytes < 4096)
        return;
    uint64_t room = heap_bytes(space) / heap->page_bytes;
    if (room > HEAP_PAGES_MAX) return;
    heap_read_letters(heap, line + letters, room);
    heap_find_resident(heap, space->process);
    for (size_t i = 0; i < heap->count; i++) heap->count_of[heap->pages[i]]++;
}

/* ---- the whole ---- */

/* Marks the ranges in the answer. Returns its last line, or NULL. */
static const char *heap_mark_ranges(struct address_space *space, char *answer) {
    struct heap_ranges ranges = {NULL, 0};
    const char *pages = NULL;
    for (char *line = answer, *next; *line != '\0'; line = next) {
        next = strchr(line, '\n');
        if (next == NULL) break;
        *next++ = '\0';
        heap_add_range(&ranges, line);
        if (strncmp(line, "pages ", strlen("pages ")) == 0) pages = line;
    }
    address_space_mark(space, ranges.list, ranges.count);
    free(ranges.list);
    return pages;
}

static char *heap_request(pid_t process, const char *line, char **reason) {
    struct heap_request request = {process, line};
    if (!heap_is_stopped(process)) return attempt(heap_ask, &request, reason);
    *reason = xstrdup("the process is stopped");
    return NULL;
}

void map_heap_read(struct map_heap *heap, struct address_space *space) {
    *heap = (struct map_heap){.is_mallow = heap_runs_on_mallow(space)};
    char *answer = heap_request(space->process, "map pages", &heap->reason);
    if (answer == NULL) return;
    heap->is_mallow = true;
    const char *pages = heap_mark_ranges(space, answer);
    if (pages != NULL) heap_read_pages(heap, space, pages);
    free(answer);
}

bool map_heap_mark(struct address_space *space) {
    char *reason;
    char *answer = heap_request(space->process, "map", &reason);
    free(reason);
    bool is_answered = answer != NULL;
    if (is_answered) heap_mark_ranges(space, answer);
    free(answer);
    return is_answered;
}

void map_heap_free(struct map_heap *heap) {
    free(heap->reason);
    free(heap->pages);
}
