/* Finds out which pages of a mapping are in memory, and which are shared. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/failure.h"
#include "base/fork_lock.h"
#include "base/kernel.h"
#include "base/kernel_file.h"
#include "mallow/map.h"
#include "map/map_inside.h"

/* ---- residency ---- */

#define MAP_STEP ((size_t)1024) /* pages of one system call */

static void map_count_residents(const unsigned char *pages, size_t count, size_t first,
                                struct mallow_map_pages *counts, unsigned char *bitmap) {
    for (size_t i = 0; i < count; i++) {
        if ((pages[i] & 1) == 0) continue;
        counts->resident++;
        if (bitmap != NULL) bitmap[(first + i) / 8] |= (unsigned char)(1u << (first + i) % 8);
    }
}

enum mallow_result mallow_map_residency(const struct mallow_map *map, size_t offset, size_t bytes,
                                        struct mallow_map_pages *counts, unsigned char *bitmap,
                                        size_t room) {
    unsigned char pages[MAP_STEP];
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if (counts == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct mallow_map in_small_pages = *map;
    in_small_pages.page = kernel_page();
    struct map_range range = map_pages_around(&in_small_pages, offset, bytes);
    struct mallow_map_pages found = {.page = in_small_pages.page,
                                     .pages = range.bytes / in_small_pages.page};
    size_t bitmap_bytes = (found.pages + 7) / 8;
    if (bitmap != NULL && room < bitmap_bytes)
        return FAIL(MALLOW_NO_ROOM, .wanted = bitmap_bytes, .maximum = room);
    if (bitmap != NULL) memset(bitmap, 0, bitmap_bytes);
    for (size_t first = 0; first < found.pages; first += MAP_STEP) {
        size_t count = found.pages - first < MAP_STEP ? found.pages - first : MAP_STEP;
        if (!kernel_residency(range.low + first * found.page, count * found.page, pages))
            return map_fail(__func__, "mincore", count * found.page, NULL);
        map_count_residents(pages, count, first, &found, bitmap);
    }
    *counts = found;
    return MALLOW_OK;
}

/* ---- sharing ----
 *
 * smaps has sums for each mapping of the kernel. If the range is only a part of such a mapping, the
 * part gets another readahead hint, and the kernel then treats it as a mapping of its own. No other
 * property of a mapping can be changed without a risk to the program.
 */

#define MAP_PIECES 4 /* two are enough unless other threads change the mappings */

struct map_piece {
    uintptr_t low, high;
    int hint; /* the original one */
};

struct map_smaps {
    uintptr_t low, high; /* the range */
    struct mallow_map_shares sum;
    uintptr_t piece_low, piece_high; /* the part of the current mapping that is in the range */
    bool is_whole;                   /* all of the current mapping is in the range */
    struct map_piece pieces[MAP_PIECES];
    int count, separated;
};

static void map_smaps_begin(struct map_smaps *smaps, uintptr_t low, uintptr_t high) {
    smaps->is_whole = low >= smaps->low && high <= smaps->high;
    smaps->piece_low = low < smaps->low ? smaps->low : low;
    smaps->piece_high = high > smaps->high ? smaps->high : high;
}

static void map_smaps_add(struct map_smaps *smaps, const char *line) {
    const struct {
        const char *name;
        uint64_t *sum;
    } fields[] = {
        {"Private_Dirty:", &smaps->sum.private_dirty},
        {"Private_Clean:", &smaps->sum.private_clean},
        {"Shared_Dirty:", &smaps->sum.shared_dirty},
        {"Shared_Clean:", &smaps->sum.shared_clean},
        {"Swap:", &smaps->sum.swapped},
        {"Private_Hugetlb:", &smaps->sum.private_dirty},
        {"Shared_Hugetlb:", &smaps->sum.shared_dirty},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        size_t length = strlen(fields[i].name);
        if (strncmp(line, fields[i].name, length) == 0)
            *fields[i].sum += strtoull(line + length, NULL, 10) * 1024;
    }
}

static void map_smaps_note(struct map_smaps *smaps, const char *flags) {
    if (smaps->count == MAP_PIECES) return;
    int hint = strstr(flags, " rr") != NULL   ? MADV_RANDOM
               : strstr(flags, " sr") != NULL ? MADV_SEQUENTIAL
                                              : MADV_NORMAL;
    smaps->pieces[smaps->count++] = (struct map_piece){smaps->piece_low, smaps->piece_high, hint};
}

static bool map_smaps_line(void *state, const char *line) {
    struct map_smaps *smaps = state;
    char *at;
    uintptr_t low = strtoull(line, &at, 16);
    if (*at == '-') {
        if (low >= smaps->high) return false;
        map_smaps_begin(smaps, low, strtoull(at + 1, NULL, 16));
    } else if (smaps->piece_low >= smaps->piece_high) {
        return true;
    } else if (smaps->is_whole) {
        map_smaps_add(smaps, line);
    } else if (strncmp(line, "VmFlags:", 8) == 0) {
        map_smaps_note(smaps, line);
    }
    return true;
}

/* Separates the pieces that were found at the last reading. Returns false if this fails. */
static bool map_smaps_separate(struct map_smaps *smaps) {
    for (; smaps->separated < smaps->count; smaps->separated++) {
        struct map_piece *piece = &smaps->pieces[smaps->separated];
        int other = piece->hint == MADV_RANDOM ? MADV_SEQUENTIAL : MADV_RANDOM;
        if (!kernel_advise((void *)piece->low, piece->high - piece->low, other)) return false;
    }
    return true;
}

static void map_smaps_join(struct map_smaps *smaps) {
    int error = errno;
    while (smaps->separated-- > 0) {
        struct map_piece *piece = &smaps->pieces[smaps->separated];
        kernel_advise((void *)piece->low, piece->high - piece->low, piece->hint);
    }
    errno = error;
}

/* Returns the name of the system call that failed, or NULL. */
static const char *map_smaps_read(struct map_smaps *smaps) {
    int known;
    do {
        known = smaps->count;
        if (!map_smaps_separate(smaps)) return "madvise";
        memset(&smaps->sum, 0, sizeof smaps->sum);
        if (!kernel_read_lines("/proc/self/smaps", map_smaps_line, smaps)) return "open";
    } while (smaps->count > known);
    return NULL;
}

enum mallow_result mallow_map_sharing(const struct mallow_map *map, size_t offset, size_t bytes,
                                      struct mallow_map_shares *sharing) {
    static fork_lock lock; /* two threads must not separate the same pages */
    sigset_t mask;
    enum mallow_result result = map_check(map, offset, &bytes, __func__);
    if (result != MALLOW_OK) return result;
    if (sharing == NULL) return FAIL(MALLOW_BAD_ARGUMENT);
    struct map_range range = map_pages_around(map, offset, bytes);
    struct map_smaps smaps = {.low = (uintptr_t)range.low,
                              .high = (uintptr_t)range.low + range.bytes};
    fork_lock_take(&lock, &mask);
    const char *failed = range.bytes == 0 ? NULL : map_smaps_read(&smaps);
    map_smaps_join(&smaps);
    fork_lock_drop(&lock, &mask);
    if (failed == NULL)
        *sharing = smaps.sum;
    else if (errno == ENOENT)
        return FAIL(MALLOW_UNSUPPORTED, .error = ENOENT, .call = failed,
                    .advice = "/proc is not mounted, or the kernel has no smaps");
    return failed == NULL ? MALLOW_OK : map_fail(__func__, failed, 0, NULL);
}
