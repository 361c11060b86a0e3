#include "leak/leak_blocks.h"

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "check/block_info.h"
#include "guard/guard.h"
#include "guard/guard_info.h"
#include "guard/guard_range.h"
#include "heap/heap_owner.h"
#include "heap/reciprocal.h"
#include "heap/shared.h"
#include "heap/slab.h"
#include "heap/slot_location.h"
#include "leak/leak_memory.h"
#include "leak/leak_sort.h"
#include "os/open_lock.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "stack/stack.h"

struct leak_blocks_mapping {
    uintptr_t start, end; /* of the mapping */
    char *block;
    uint8_t mark;
};

static UNTOUCHED struct {
    uint8_t *of_states; /* indexed by the offset of a state byte in the allocator's memory */
    uint8_t *of_pages;
    uint32_t *run_starts; /* for each page of a block that is a run of pages, the first page */
    size_t pages;
    struct leak_blocks_mapping *mappings; /* by address */
    size_t count, room;
    uintptr_t lowest, highest; /* of mappings */
} leak_blocks_marks;

/* ---- blocks with a mapping of their own, and guarded ones ---- */

static void leak_blocks_add_mapping(void *unused, const struct mapping *mapping) {
    (void)unused;
    if (leak_blocks_marks.count == leak_blocks_marks.room) return;
    uintptr_t start = (uintptr_t)mapping->start;
    leak_blocks_marks.mappings[leak_blocks_marks.count++] =
        (struct leak_blocks_mapping){start, start + mapping->bytes, mapping->block, 0};
}

static bool leak_blocks_count_guarded(const struct block_info *info, void *unused) {
    (void)info, (void)unused;
    leak_blocks_marks.room++;
    return true;
}

/* The rest of the pages contains only the fill pattern, so only the block is added. */
static bool leak_blocks_add_guarded(const struct block_info *info, void *unused) {
    struct mapping block = {info->start, info->start, info->size};
    leak_blocks_add_mapping(unused, &block);
    return true;
}

static bool leak_blocks_prepare_mappings(void) {
    leak_blocks_marks.room = mapping_count().count;
    guard_info_each(leak_blocks_count_guarded, NULL);
    leak_blocks_marks.mappings =
        leak_map(leak_blocks_marks.room * sizeof *leak_blocks_marks.mappings);
    if (leak_blocks_marks.mappings == NULL) return false;
    mapping_each(leak_blocks_add_mapping, NULL);
    guard_info_each(leak_blocks_add_guarded, NULL);
    leak_sort(leak_blocks_marks.mappings, leak_blocks_marks.count,
              sizeof *leak_blocks_marks.mappings, leak_is_range_before);
    if (leak_blocks_marks.count == 0) return true;
    leak_blocks_marks.lowest = leak_blocks_marks.mappings[0].start;
    leak_blocks_marks.highest = leak_blocks_marks.mappings[leak_blocks_marks.count - 1].end;
    return true;
}

static struct leak_block leak_blocks_of_mapping(struct leak_blocks_mapping *mapping) {
    return (struct leak_block){mapping->block, mapping->end - (uintptr_t)mapping->block,
                               &mapping->mark};
}

static bool leak_blocks_mapping_around(uintptr_t address, struct leak_block *block) {
    if (address < leak_blocks_marks.lowest || address >= leak_blocks_marks.highest) return false;
    size_t at = leak_find_range(leak_blocks_marks.mappings, leak_blocks_marks.count,
                                sizeof *leak_blocks_marks.mappings, address);
    struct leak_blocks_mapping *found = &leak_blocks_marks.mappings[at];
    if (address < (uintptr_t)found->block) return false;
    *block = leak_blocks_of_mapping(found);
    return true;
}

/* ---- slots ---- */

static uint8_t *leak_blocks_state_mark(const _Atomic uint8_t *state) {
    return &leak_blocks_marks.of_states[(const char *)state - space.meta_part.start];
}

static bool leak_blocks_is_live(const _Atomic uint8_t *state) {
    return slot_state_is_used(slot_state_get(state)) || slot_state_get(state) == SLOT_CHECKED;
}

/* Returns the block inside the redzones, as the program knows it. */
static NOINLINE struct leak_block leak_blocks_checked(struct leak_block slot) {
    struct block_info info;
    if (!block_info_of(slot.start, &info)) return slot;
    return (struct leak_block){info.start, info.size, slot.mark};
}

ALWAYS_INLINE struct leak_block leak_blocks_of_slot(char *start, unsigned size_class,
                                                    const _Atomic uint8_t *state) {
    size_t size = size_class == CLASS_ZERO ? 0 : size_class_bytes(size_class);
    struct leak_block slot = {start, size, leak_blocks_state_mark(state)};
    return unlikely(slot_state_get(state) == SLOT_CHECKED) ? leak_blocks_checked(slot) : slot;
}

/* A pointer into a redzone does not count as a pointer to the block. A pointer to the start of a
 * block of 0 bytes does. */
static bool leak_blocks_contains(uintptr_t address, const struct leak_block *block) {
    return address - (uintptr_t)block->start < max_size(block->size, 1);
}

static bool leak_blocks_slot_around(const struct slab *slab, uintptr_t address,
                                    struct leak_block *block) {
    struct slot_location slot = slot_locate(slab, (void *)address);
    if (!leak_blocks_is_live(slot.state)) return false;
    *block =
        leak_blocks_of_slot(slot_start(slab, slot, (void *)address), slab->size_class, slot.state);
    return leak_blocks_contains(address, block);
}

static bool leak_blocks_shared_slot_around(const struct slab *granule, uintptr_t address,
                                           struct leak_block *block) {
    uint32_t unit = shared_find_start(granule, shared_unit((void *)address));
    if (unit == UINT32_MAX || !leak_blocks_is_live(&granule->state[unit])) return false;
    char *start = granule_start(slab_granule(granule)) + (size_t)unit * UNIT;
    *block = leak_blocks_of_slot(start, shared_class(granule, unit), &granule->state[unit]);
    return true;
}

static void leak_blocks_each_slot(const struct slab *slab,
                                  void (*call)(const struct leak_block *block)) {
    char *start = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++, start += slab->slot_size) {
        if (!leak_blocks_is_live(&slab->state[slot])) continue;
        struct leak_block block = leak_blocks_of_slot(start, slab->size_class, &slab->state[slot]);
        call(&block);
    }
}

static void leak_blocks_each_shared_slot(const struct slab *granule,
                                         void (*call)(const struct leak_block *block)) {
    char *start = granule_start(slab_granule(granule));
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++, start += UNIT) {
        if (!leak_blocks_is_live(&granule->state[unit])) continue;
        struct leak_block block =
            leak_blocks_of_slot(start, shared_class(granule, unit), &granule->state[unit]);
        call(&block);
    }
}

/* ---- runs of pages ---- */

static struct leak_block leak_blocks_of_run(uint32_t page) {
    return (struct leak_block){page_start(page), (size_t)tag_pages(run_tag(page)) << RUN_SHIFT,
                               &leak_blocks_marks.of_pages[page]};
}

/* Calls `call` with each run of the kinds from RUN_BLOCK on, including foreign ones. */
static void leak_blocks_each_run(void (*call)(uint32_t page, enum run_kind kind)) {
    for (uint32_t page = GRANULE_PAGES; page < leak_blocks_marks.pages;) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) < RUN_BLOCK || tag_pages(tag) > leak_blocks_marks.pages - page) {
            page++;
            continue;
        }
        call(page, tag_kind(tag));
        page += tag_pages(tag);
    }
}

static void leak_blocks_note_run(uint32_t page, enum run_kind kind) {
    if (kind != RUN_BLOCK) return;
    uint32_t end = page + tag_pages(run_tag(page));
    for (uint32_t at = page; at < end; at++) leak_blocks_marks.run_starts[at] = page;
}

static bool leak_blocks_run_around(uintptr_t address, struct leak_block *block) {
    uint32_t page = page_of((void *)address);
    if (page >= leak_blocks_marks.pages || leak_blocks_marks.run_starts[page] == 0) return false;
    *block = leak_blocks_of_run(leak_blocks_marks.run_starts[page]);
    return true;
}

/* ---- all ---- */

bool leak_blocks_prepare(void) {
    /* A thread that holds a lock does not exist in the copy, and stopped threads held none. */
    atomic_store(&global_lock.word, 0);
    guard_after_fork();
    leak_blocks_marks.pages = pages_count().top;
    leak_blocks_marks.of_states = leak_map(space.meta_part.accessible);
    leak_blocks_marks.of_pages = leak_map(leak_blocks_marks.pages);
    leak_blocks_marks.run_starts =
        leak_map(leak_blocks_marks.pages * sizeof *leak_blocks_marks.run_starts);
    if (leak_blocks_marks.of_states == NULL || leak_blocks_marks.of_pages == NULL ||
        leak_blocks_marks.run_starts == NULL)
        return false;
    leak_blocks_each_run(leak_blocks_note_run);
    return leak_blocks_prepare_mappings();
}

bool leak_is_in_heap(uintptr_t address) {
    return granule_of((void *)address) < space.granules ||
           address - leak_blocks_marks.lowest <
               leak_blocks_marks.highest - leak_blocks_marks.lowest;
}

void leak_fetch_place(uintptr_t address) {
    size_t granule = granule_of((void *)address);
    if (granule < space.granules) fetch_ahead(slab_of(granule));
}

void leak_fetch_block(uintptr_t address) {
    size_t granule = granule_of((void *)address);
    if (granule >= space.granules) return;
    const struct slab *slab = slab_of(granule);
    if (slab->kind != GRANULE_SLAB) return;
    const _Atomic uint8_t *state = slot_locate(slab, (void *)address).state;
    fetch_ahead((const void *)state);
    fetch_ahead(leak_blocks_state_mark(state));
}

bool leak_block_around(uintptr_t address, struct leak_block *block) {
    size_t granule = granule_of((void *)address);
    if (granule >= space.granules) return leak_blocks_mapping_around(address, block);
    const struct slab *slab = slab_of(granule);
    if (slab->kind == GRANULE_SLAB) return leak_blocks_slot_around(slab, address, block);
    if (slab->kind == GRANULE_SHARED) return leak_blocks_shared_slot_around(slab, address, block);
    return leak_blocks_run_around(address, block);
}

static UNTOUCHED void (*leak_blocks_callback)(const struct leak_block *block);

static void leak_blocks_call_for_run(uint32_t page, enum run_kind kind) {
    const struct slab *slab = slab_of(page / GRANULE_PAGES);
    if (kind == RUN_BLOCK) {
        struct leak_block block = leak_blocks_of_run(page);
        leak_blocks_callback(&block);
    } else if (kind == RUN_SLAB && slab->kind == GRANULE_SLAB) {
        leak_blocks_each_slot(slab, leak_blocks_callback);
    } else if (kind == RUN_SLAB && slab->kind == GRANULE_SHARED) {
        leak_blocks_each_shared_slot(slab, leak_blocks_callback);
    }
}

/* May be called by its own callback. */
void leak_each_block(void (*call)(const struct leak_block *block)) {
    void (*outer)(const struct leak_block *block) = leak_blocks_callback;
    leak_blocks_callback = call;
    leak_blocks_each_run(leak_blocks_call_for_run);
    leak_blocks_callback = outer;
    for (size_t i = 0; i < leak_blocks_marks.count; i++) {
        struct leak_block block = leak_blocks_of_mapping(&leak_blocks_marks.mappings[i]);
        call(&block);
    }
}

/* ---- where blocks are ---- */

static UNTOUCHED struct {
    void (*call)(uintptr_t start, uintptr_t end);
    uintptr_t from;
} leak_blocks_ranges;

/* Leaves out what other code has mapped among the granules. */
static void leak_blocks_leave_foreign_out(uint32_t page, enum run_kind kind) {
    if (kind != RUN_FOREIGN) return;
    uintptr_t start = (uintptr_t)page_start(page);
    if (start > leak_blocks_ranges.from) leak_blocks_ranges.call(leak_blocks_ranges.from, start);
    leak_blocks_ranges.from = (uintptr_t)page_start(page + tag_pages(run_tag(page)));
}

/* Stack caches contain old words of the program's stacks. */
static void leak_blocks_each_stack_cache(void (*call)(uintptr_t start, uintptr_t end)) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next)
        if (heap->stacks != NULL)
            call((uintptr_t)heap->stacks, (uintptr_t)heap->stacks + stack_cache_bytes());
}

void leak_each_heap_range(void (*call)(uintptr_t start, uintptr_t end)) {
    leak_blocks_ranges.call = call;
    leak_blocks_ranges.from = (uintptr_t)space.block_part.start;
    leak_blocks_each_run(leak_blocks_leave_foreign_out);
    call(leak_blocks_ranges.from, (uintptr_t)space.block_part.start + space.block_part.accessible);
    const struct part *parts[] = {&space.slab_part, &space.run_part, &space.meta_part};
    for (unsigned i = 0; i < 3; i++)
        call((uintptr_t)parts[i]->start, (uintptr_t)parts[i]->start + parts[i]->accessible);
    guard_range_each_part(call);
    leak_blocks_each_stack_cache(call);
    call((uintptr_t)&leak_blocks_marks, (uintptr_t)(&leak_blocks_marks + 1));
    for (size_t i = 0; i < leak_blocks_marks.count; i++)
        if (!guard_range_contains(leak_blocks_marks.mappings[i].block))
            call(leak_blocks_marks.mappings[i].start, leak_blocks_marks.mappings[i].end);
}
