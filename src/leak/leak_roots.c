#include "leak/leak_roots.h"

#include <signal.h>
#include <string.h>
#include <ucontext.h>

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "leak/leak_blocks.h"
#include "leak/leak_memory.h"
#include "leak/leak_sort.h"
#include "os/os.h"

#define RED_ZONE 128u /* bytes below the stack pointer that a function may use */

static UNTOUCHED struct {
    const struct leak_roots *of;
    void (*word)(const uintptr_t *at);
    void (*owned)(uintptr_t address);
} leak_roots_walk;

/* ---- excluded memory: the heap, which is marked block by block, and the check's own ---- */

struct leak_roots_range {
    uintptr_t start, end;
};

static UNTOUCHED struct {
    struct leak_roots_range *list; /* sorted by address, not overlapping */
    size_t count, room;
} leak_roots_excluded;

static void leak_roots_count_range(uintptr_t start, uintptr_t end) {
    (void)start, (void)end;
    leak_roots_excluded.room++;
}

static void leak_roots_exclude(uintptr_t start, uintptr_t end) {
    if (leak_roots_excluded.count < leak_roots_excluded.room)
        leak_roots_excluded.list[leak_roots_excluded.count++] =
            (struct leak_roots_range){start, end};
}

static bool leak_roots_prepare_excluded(void) {
    const struct leak_threads *threads = leak_roots_walk.of->threads;
    leak_roots_excluded.room = 2; /* this list and the list of threads */
    leak_each_heap_range(leak_roots_count_range);
    leak_each_own(leak_roots_count_range);
    leak_roots_excluded.list =
        leak_map(leak_roots_excluded.room * sizeof *leak_roots_excluded.list);
    if (leak_roots_excluded.list == NULL) return false;
    leak_each_own(leak_roots_exclude);
    leak_roots_exclude((uintptr_t)threads->list, (uintptr_t)(threads->list + threads->capacity));
    leak_each_heap_range(leak_roots_exclude);
    leak_sort(leak_roots_excluded.list, leak_roots_excluded.count, sizeof *leak_roots_excluded.list,
              leak_is_range_before);
    return true;
}

/* Returns the first excluded range that ends after the address, or NULL. */
static const struct leak_roots_range *leak_roots_next_excluded(uintptr_t address) {
    size_t at = leak_find_range(leak_roots_excluded.list, leak_roots_excluded.count,
                                sizeof *leak_roots_excluded.list, address);
    return at < leak_roots_excluded.count ? &leak_roots_excluded.list[at] : NULL;
}

static bool leak_roots_is_excluded(uintptr_t address) {
    const struct leak_roots_range *next = leak_roots_next_excluded(address);
    return next != NULL && next->start <= address;
}

static void leak_roots_scan(uintptr_t from, uintptr_t to, enum leak_pages pages) {
    while (from < to) {
        const struct leak_roots_range *next = leak_roots_next_excluded(from);
        uintptr_t end = next == NULL ? to : min_size(to, next->start);
        if (end > from) leak_each_word(from, end, pages, leak_roots_walk.word);
        from = next == NULL ? to : next->end;
    }
}

/* ---- threads ---- */

/* Reports the block that contains the address. It contains a thread's stack or the vector of its
 * thread-local variables, to whose inside libc keeps a pointer. */
static void leak_roots_own_block(uintptr_t address) {
    if (leak_roots_is_excluded(address)) leak_roots_walk.owned(address);
}

static uintptr_t leak_roots_vector_of(uintptr_t thread_pointer) {
    uintptr_t vector[2] = {0};
    leak_read(thread_pointer, vector, sizeof vector);
#if defined(__x86_64__)
    return vector[1];
#else
    return vector[0];
#endif
}

#if defined(__x86_64__)
static uintptr_t leak_roots_stack_pointer_of(const ucontext_t *context) {
    return (uintptr_t)context->uc_mcontext.gregs[REG_RSP];
}

#    define SAVED_BYTES 512u            /* size of the part that all processors have */
#    define SAVED_SIZE_AT 464u          /* where the kernel writes a mark and the total size */
#    define SAVED_SIZE_MARK 0x46505853u /* FP_XSTATE_MAGIC1 */

/* Scans the vector registers. */
static void leak_roots_scan_extended(const ucontext_t *context) {
    uintptr_t state = (uintptr_t)context->uc_mcontext.fpregs;
    uint32_t sizes[2] = {0};
    if (state == 0) return;
    leak_read(state + SAVED_SIZE_AT, sizes, sizeof sizes);
    size_t bytes = sizes[0] == SAVED_SIZE_MARK ? sizes[1] : SAVED_BYTES;
    leak_each_word(state, state + bytes, LEAK_ALL, leak_roots_walk.word);
}
#else
static uintptr_t leak_roots_stack_pointer_of(const ucontext_t *context) {
#    if defined(__aarch64__)
    return context->uc_mcontext.sp;
#    else
    return (uintptr_t)context;
#    endif
}
static void leak_roots_scan_extended(const ucontext_t *context) { (void)context; }
#endif

static void leak_roots_scan_thread(uintptr_t stack_pointer, uintptr_t thread_pointer) {
    leak_roots_own_block(stack_pointer);
    leak_roots_own_block(leak_roots_vector_of(thread_pointer));
}

static void leak_roots_scan_threads(void) {
    const struct leak_threads *threads = leak_roots_walk.of->threads;
    leak_roots_scan_thread(leak_roots_walk.of->stack_pointer, leak_thread_pointer());
    for (size_t i = 0; i < threads->count; i++) {
        const struct leak_thread *thread = &threads->list[i];
        if (thread->state != THREAD_STOPPED) continue;
        leak_roots_scan_thread(leak_roots_stack_pointer_of(thread->context), thread->pointer);
        leak_each_word((uintptr_t)thread->context, (uintptr_t)thread->context + sizeof(ucontext_t),
                       LEAK_ALL, leak_roots_walk.word);
        leak_roots_scan_extended(thread->context);
    }
}

/* Returns the lower of `bottom` (0: none) and the address, if the address is in the region. */
static uintptr_t leak_roots_lowest_in(const struct leak_region *region, uintptr_t address,
                                      uintptr_t bottom) {
    if (address < region->start || address >= region->end) return bottom;
    return bottom == 0 ? address : min_size(bottom, address);
}

static uintptr_t leak_roots_lowest_stack_pointer(const struct leak_region *region) {
    const struct leak_threads *threads = leak_roots_walk.of->threads;
    uintptr_t bottom = leak_roots_lowest_in(region, leak_roots_walk.of->stack_pointer, 0);
    for (size_t i = 0; i < threads->count; i++)
        if (threads->list[i].state == THREAD_STOPPED)
            bottom = leak_roots_lowest_in(
                region, leak_roots_stack_pointer_of(threads->list[i].context), bottom);
    return bottom;
}

/* ---- stacks that libc keeps for later threads ---- */

/*
 * The GNU C library keeps its record of a thread at the end of the stack that it has allocated for
 * the thread. The record contains two words that point to itself, and the thread's ID while the
 * thread lives. After the end of the thread, the record itself still counts as a root, because it
 * holds the thread's result, which the program may not have collected yet.
 */
#define RECORD_BYTES 2304u

#if defined(__x86_64__) && defined(__GLIBC__)
static size_t leak_roots_id_offset(void) {
    uintptr_t pointer = leak_thread_pointer();
    for (size_t at = 0; at < RECORD_BYTES; at += sizeof(int))
        if (*(const int *)(pointer + at) == leak_roots_walk.of->caller) return at;
    return 0;
}

static UNTOUCHED struct {
    const struct leak_region *in;
    uintptr_t found;
} leak_roots_record;

static void leak_roots_find_record(const uintptr_t *at) {
    uintptr_t address = (uintptr_t)at;
    if (leak_roots_record.found != 0 || at[0] != address || address % CACHE_LINE != 0) return;
    if (address + RECORD_BYTES <= leak_roots_record.in->end && at[2] == address)
        leak_roots_record.found = address;
}

/* Returns the record of the thread whose stack is or was in the region, or 0 if there is none. */
static uintptr_t leak_roots_record_in(const struct leak_region *region) {
    leak_roots_record.in = region;
    leak_roots_record.found = 0;
    leak_each_word(region->start, region->end, LEAK_TOUCHED, leak_roots_find_record);
    return leak_roots_record.found;
}

static bool leak_roots_has_ended(uintptr_t thread_record) {
    size_t offset = leak_roots_id_offset();
    int number = 1;
    leak_read(thread_record + offset, &number, sizeof number);
    return offset != 0 && number <= 0; /* -1: the thread has also been joined */
}
#else
static uintptr_t leak_roots_record_in(const struct leak_region *region) {
    (void)region;
    return 0;
}
static bool leak_roots_has_ended(uintptr_t thread_record) {
    (void)thread_record;
    return false;
}
#endif

/* ---- mappings ---- */

static bool leak_roots_is_anonymous(const struct leak_region *region) {
    return *region->name == '\n';
}

static bool leak_roots_is_named(const struct leak_region *region, const char *prefix) {
    return strncmp(region->name, prefix, strlen(prefix)) == 0;
}

/* Variables that are constant after relocation precede the writable ones of the same file. */
static bool leak_roots_is_constant_data(const struct leak_region *region,
                                        const struct leak_region *next) {
    size_t length = strcspn(region->name, "\n");
    return next != NULL && next->start == region->end && next->writable &&
           strncmp(region->name, next->name, length + 1) == 0;
}

/* Programs keep no pointers in shared files, because other processes could not use them. Shared
 * memory that is not a file on a disk may be used only by this process, so it is searched. */
static bool leak_roots_has_pointers(const struct leak_region *region,
                                    const struct leak_region *next) {
    if (region->opened) return true;
    if (!region->readable || leak_roots_is_named(region, "[v") ||
        leak_roots_is_named(region, "anon_inode:"))
        return false;
    bool memory = leak_is_shared_memory(region);
    if (region->shared) return region->writable && memory;
    if (leak_roots_is_named(region, "/dev/") && !memory) return false;
    return region->writable || leak_roots_is_anonymous(region) ||
           leak_roots_is_constant_data(region, next);
}

/* A stack is preceded by an inaccessible page, except for the first thread's, which the kernel
 * manages. */
static bool leak_roots_is_stack(const struct leak_region *region,
                                const struct leak_region *before) {
    if (leak_roots_is_named(region, "[stack]")) return true;
    return leak_roots_is_anonymous(region) && before != NULL && before->end == region->start &&
           !before->readable && !before->writable;
}

/* Returns the address from which on a stack may contain pointers: the stack pointer of its thread.
 * If the thread has ended, only its record counts. */
static uintptr_t leak_roots_stack_begin(const struct leak_region *region) {
    uintptr_t bottom = leak_roots_lowest_stack_pointer(region);
    uintptr_t thread_record = leak_roots_record_in(region);
    if (thread_record != 0)
        leak_roots_own_block(leak_roots_vector_of(thread_record)); /* libc keeps it, too */
    if (bottom != 0) return max_size(bottom - RED_ZONE, region->start);
    return thread_record != 0 && leak_roots_has_ended(thread_record) ? thread_record
                                                                     : region->start;
}

bool leak_each_root(const struct leak_roots *of, void (*word)(const uintptr_t *at),
                    void (*owned)(uintptr_t address)) {
    size_t count;
    const struct leak_region *regions_list = leak_regions(&count);
    leak_roots_walk.of = of;
    leak_roots_walk.word = word;
    leak_roots_walk.owned = owned;
    if (regions_list == NULL || !leak_roots_prepare_excluded()) return false;
    leak_roots_scan_threads();
    for (size_t i = 0; i < count; i++) {
        const struct leak_region *region = &regions_list[i];
        if (!leak_roots_has_pointers(region, i + 1 < count ? region + 1 : NULL)) continue;
        bool stack = leak_roots_is_stack(region, i > 0 ? region - 1 : NULL);
        leak_roots_scan(stack ? leak_roots_stack_begin(region) : region->start, region->end,
                        region->shared ? LEAK_CACHED : LEAK_TOUCHED);
    }
    return true;
}
