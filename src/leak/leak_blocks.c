#include "leak/leak_blocks.h"

#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "check/block_info.h"
#include "guard/guard.h"
#include "guard/guard_table.h"
#include "heap/cold.h"
#include "heap/reciprocal.h"
#include "heap/slab.h"
#include "heap/slot_ref.h"
#include "leak/leak_memory.h"
#include "leak/leak_sort.h"
#include "os/open_lock.h"
#include "pages/mapping.h"
#include "pages/pages.h"
#include "stack/stack.h"

struct own_mapping {
    uintptr_t start, end; /* of the mapping */
    char *block;
    uint8_t mark;
};

static UNTOUCHED struct {
    uint8_t *of_states; /* indexed by the offset of a state byte in the allocator's memory */
    uint8_t *of_pages;
    uint32_t *run_starts; /* for each page of a block that is a run of pages, the first page */
    size_t pages;
    struct own_mapping *mappings; /* by address */
    size_t count, room;
    uintptr_t lowest, highest; /* of mappings */
} marks;

/* ---- blocks with a mapping of their own, and guarded ones ---- */

static void add_mapping(const struct mapping *mapping) {
    if (marks.count == marks.room) return;
    uintptr_t start = (uintptr_t)mapping->start;
    marks.mappings[marks.count++] =
        (struct own_mapping){start, start + mapping->bytes, mapping->block, 0};
}

static bool count_guarded_block(const struct block_info *info, void *unused) {
    (void)info, (void)unused;
    marks.room++;
    return true;
}

/* The rest of the pages contains only the fill pattern, so the block alone is added. */
static bool add_guarded(const struct block_info *info, void *unused) {
    struct mapping block = {info->start, info->start, info->size};
    (void)unused;
    add_mapping(&block);
    return true;
}

static bool prepare_mappings(void) {
    marks.room = mapping_count().count;
    guard_each_live(count_guarded_block, NULL);
    marks.mappings = leak_map(marks.room * sizeof *marks.mappings);
    if (marks.mappings == NULL) return false;
    mapping_each(add_mapping);
    guard_each_live(add_guarded, NULL);
    leak_sort(marks.mappings, marks.count, sizeof *marks.mappings, leak_is_range_before);
    if (marks.count == 0) return true;
    marks.lowest = marks.mappings[0].start;
    marks.highest = marks.mappings[marks.count - 1].end;
    return true;
}

static struct leak_block mapped_block(struct own_mapping *mapping) {
    return (struct leak_block){mapping->block, mapping->end - (uintptr_t)mapping->block,
                               &mapping->mark};
}

static bool mapping_block_around(uintptr_t address, struct leak_block *block) {
    if (address < marks.lowest || address >= marks.highest) return false;
    size_t at = leak_find_range(marks.mappings, marks.count, sizeof *marks.mappings, address);
    struct own_mapping *found = &marks.mappings[at];
    if (address < (uintptr_t)found->block) return false;
    *block = mapped_block(found);
    return true;
}

/* ---- slots ---- */

static uint8_t *state_mark(const _Atomic uint8_t *state) {
    return &marks.of_states[(const char *)state - space.meta_part.start];
}

static bool is_live(const _Atomic uint8_t *state) {
    return state_get(state) == SLOT_USED || state_get(state) == SLOT_CHECKED;
}

/* Returns the block inside the redzones, as the program knows it. */
static NOINLINE struct leak_block checked_block(struct leak_block slot) {
    struct block_info info;
    if (!block_info_of(slot.start, &info)) return slot;
    return (struct leak_block){info.start, info.size, slot.mark};
}

ALWAYS_INLINE struct leak_block slot_block(char *start, unsigned class,
                                           const _Atomic uint8_t *state) {
    size_t size = class == CLASS_ZERO ? 0 : class_size(class);
    struct leak_block slot = {start, size, state_mark(state)};
    return unlikely(state_get(state) == SLOT_CHECKED) ? checked_block(slot) : slot;
}

/* A pointer into a redzone does not count as a pointer to the block. A pointer to the start of a
 * block of 0 bytes does. */
static bool is_within(uintptr_t address, const struct leak_block *block) {
    return address - (uintptr_t)block->start < max_size(block->size, 1);
}

static bool slot_around(const struct slab *slab, uintptr_t address, struct leak_block *block) {
    struct slot_ref slot = slot_locate(slab, (void *)address);
    if (!is_live(slot.state)) return false;
    *block = slot_block(slot_start(slab, slot, (void *)address), slab->class, slot.state);
    return is_within(address, block);
}

static bool cold_slot_around(const struct slab *granule, uintptr_t address,
                             struct leak_block *block) {
    uint32_t unit = cold_find_start(granule, cold_unit((void *)address));
    if (unit == UINT32_MAX || !is_live(&granule->state[unit])) return false;
    char *start = granule_start(slab_granule(granule)) + (size_t)unit * UNIT;
    *block = slot_block(start, cold_class(granule, unit), &granule->state[unit]);
    return true;
}

static void each_slot(const struct slab *slab, void (*call)(const struct leak_block *block)) {
    char *start = slab_slot_zero(slab);
    for (uint32_t slot = 0; slot < slab->slots; slot++, start += slab->slot_size) {
        if (!is_live(&slab->state[slot])) continue;
        struct leak_block block = slot_block(start, slab->class, &slab->state[slot]);
        call(&block);
    }
}

static void each_cold_slot(const struct slab *granule,
                           void (*call)(const struct leak_block *block)) {
    char *start = granule_start(slab_granule(granule));
    for (uint32_t unit = 0; unit < GRANULE / UNIT; unit++, start += UNIT) {
        if (!is_live(&granule->state[unit])) continue;
        struct leak_block block =
            slot_block(start, cold_class(granule, unit), &granule->state[unit]);
        call(&block);
    }
}

/* ---- runs of pages ---- */

static struct leak_block run_block(uint32_t page) {
    return (struct leak_block){page_start(page), (size_t)tag_pages(run_tag(page)) << RUN_SHIFT,
                               &marks.of_pages[page]};
}

/* Calls `call` with each run of the kinds from RUN_BLOCK on, including foreign ones. */
static void each_run(void (*call)(uint32_t page, enum run_kind kind)) {
    for (uint32_t page = GRANULE_PAGES; page < marks.pages;) {
        uint64_t tag = run_tag(page);
        if (tag_kind(tag) < RUN_BLOCK || tag_pages(tag) > marks.pages - page) {
            page++;
            continue;
        }
        call(page, tag_kind(tag));
        page += tag_pages(tag);
    }
}

static void note_run(uint32_t page, enum run_kind kind) {
    if (kind != RUN_BLOCK) return;
    uint32_t end = page + tag_pages(run_tag(page));
    for (uint32_t at = page; at < end; at++) marks.run_starts[at] = page;
}

static bool run_around(uintptr_t address, struct leak_block *block) {
    uint32_t page = page_of((void *)address);
    if (page >= marks.pages || marks.run_starts[page] == 0) return false;
    *block = run_block(marks.run_starts[page]);
    return true;
}

/* ---- all ---- */

bool leak_blocks_prepare(void) {
    /* The holder of a lock does not exist in the copy, and threads that were stopped held none. */
    atomic_store(&global_lock.word, 0);
    guard_after_fork();
    marks.pages = pages_count().top;
    marks.of_states = leak_map(space.meta_part.accessible);
    marks.of_pages = leak_map(marks.pages);
    marks.run_starts = leak_map(marks.pages * sizeof *marks.run_starts);
    if (marks.of_states == NULL || marks.of_pages == NULL || marks.run_starts == NULL) return false;
    each_run(note_run);
    return prepare_mappings();
}

bool leak_is_in_heap(uintptr_t address) {
    return granule_of((void *)address) < space.granules ||
           address - marks.lowest < marks.highest - marks.lowest;
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
    fetch_ahead(state_mark(state));
}

bool leak_block_around(uintptr_t address, struct leak_block *block) {
    size_t granule = granule_of((void *)address);
    if (granule >= space.granules) return mapping_block_around(address, block);
    const struct slab *slab = slab_of(granule);
    if (slab->kind == GRANULE_SLAB) return slot_around(slab, address, block);
    if (slab->kind == GRANULE_COLD) return cold_slot_around(slab, address, block);
    return run_around(address, block);
}

static UNTOUCHED void (*each_call)(const struct leak_block *block);

static void call_for_run(uint32_t page, enum run_kind kind) {
    const struct slab *slab = slab_of(page / GRANULE_PAGES);
    if (kind == RUN_BLOCK) {
        struct leak_block block = run_block(page);
        each_call(&block);
    } else if (kind == RUN_SLAB && slab->kind == GRANULE_SLAB) {
        each_slot(slab, each_call);
    } else if (kind == RUN_SLAB && slab->kind == GRANULE_COLD) {
        each_cold_slot(slab, each_call);
    }
}

/* May be called by its own callback. */
void leak_each_block(void (*call)(const struct leak_block *block)) {
    void (*outer)(const struct leak_block *block) = each_call;
    each_call = call;
    each_run(call_for_run);
    each_call = outer;
    for (size_t i = 0; i < marks.count; i++) {
        struct leak_block block = mapped_block(&marks.mappings[i]);
        call(&block);
    }
}

/* ---- where blocks are ---- */

static UNTOUCHED struct {
    void (*call)(uintptr_t start, uintptr_t end);
    uintptr_t from;
} ranges;

/* Leaves out what other code has mapped among the granules. */
static void leave_foreign_out(uint32_t page, enum run_kind kind) {
    if (kind != RUN_FOREIGN) return;
    uintptr_t start = (uintptr_t)page_start(page);
    if (start > ranges.from) ranges.call(ranges.from, start);
    ranges.from = (uintptr_t)page_start(page + tag_pages(run_tag(page)));
}

/* Stack caches contain old words of the program's stacks. */
static void each_stack_cache(void (*call)(uintptr_t start, uintptr_t end)) {
    for (struct heap *heap = heap_first(); heap != NULL; heap = heap->next)
        if (heap->stacks != NULL)
            call((uintptr_t)heap->stacks, (uintptr_t)heap->stacks + stack_cache_bytes());
}

void leak_each_heap_range(void (*call)(uintptr_t start, uintptr_t end)) {
    ranges.call = call;
    ranges.from = (uintptr_t)space.block_part.start;
    each_run(leave_foreign_out);
    call(ranges.from, (uintptr_t)space.block_part.start + space.block_part.accessible);
    const struct part *parts[] = {&space.granule_part, &space.meta_part};
    for (unsigned i = 0; i < 2; i++)
        call((uintptr_t)parts[i]->start, (uintptr_t)parts[i]->start + parts[i]->accessible);
    guard_table_each_part(call);
    each_stack_cache(call);
    call((uintptr_t)&marks, (uintptr_t)(&marks + 1));
    for (size_t i = 0; i < marks.count; i++)
        if (!guard_contains(marks.mappings[i].block))
            call(marks.mappings[i].start, marks.mappings[i].end);
}
