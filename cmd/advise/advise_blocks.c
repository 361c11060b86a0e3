/* mallow advise: counts the blocks of each site. */
#include <stdlib.h>

#include "advise/advise_pass.h"
#include "common/xalloc.h"

/* ---- sites ---- */

static uint32_t advise_add_site(struct advise_pass *pass, uint32_t stack, uint32_t frame) {
    struct advise *advise = pass->advise;
    uint32_t place = trace_stacks_place(advise->stacks, frame);
    uint32_t *number = index_map_add(&pass->place_sites, place);
    if (*number != 0) return *number;
    advise->sites = xgrow(advise->sites, advise->site_count, sizeof *advise->sites);
    advise->sites[advise->site_count] = (struct advise_site){
        .place = place,
        .stack = stack,
        .frame = frame,
        .sizes = {.min = UINT64_MAX, .ones = UINT64_MAX, .ones_with_header = UINT64_MAX}};
    return *number = (uint32_t)++advise->site_count;
}

/* Returns what is known of the innermost frame of a stack. Frames of unknown stacks have number 0.
 */
static struct advise_frame *advise_frame(struct advise_pass *pass, uint32_t stack) {
    pass->frames = advise_pass_reach(pass->frames, &pass->frame_count, stack, sizeof *pass->frames);
    if (pass->frames[stack].site == 0) {
        uint32_t frame = trace_stacks_site(pass->advise->stacks, stack);
        pass->frames[stack].frame = frame;
        pass->frames[stack].site = advise_add_site(pass, stack, frame);
    }
    return &pass->frames[stack];
}

static uint32_t advise_owner(struct advise_pass *pass, uint32_t site, uint32_t frame,
                             uint32_t thread) {
    uint32_t *number = index_map_add(&pass->owner_numbers, index_map_pair(frame, thread));
    if (*number != 0) return *number - 1;
    pass->owners = xgrow(pass->owners, pass->owner_count, sizeof *pass->owners);
    pass->owners[pass->owner_count] = (struct advise_owner){.site = site};
    *number = (uint32_t)++pass->owner_count;
    uint32_t *known = index_map_add(&pass->site_threads, index_map_pair(site, thread));
    if (*known == 0) pass->advise->sites[site].threads++;
    *known = 1;
    return *number - 1;
}

/* ---- sizes ---- */

static void advise_add_size(struct advise_sizes *sizes, uint64_t size) {
    if (size < sizes->min) sizes->min = size;
    if (size > sizes->max) sizes->max = size;
    sizes->ones &= size;
    sizes->ones_with_header &= size - 8;
    for (unsigned i = 0; i < sizes->different; i++)
        if (sizes->some[i] == size) return;
    if (sizes->different < ADVISE_SIZES_MAX) sizes->some[sizes->different++] = size;
}

static void advise_raise(uint64_t *peak, uint64_t value) {
    if (value > *peak) *peak = value;
}

/* ---- the end of a block ---- */

/* Removes a block from the figures of what lives. */
static void advise_end_block(struct advise_pass *pass, struct mallow_trace_block *block,
                             uint64_t time) {
    struct advise_owner *owner = &pass->owners[advise_block_owner(block)];
    struct advise_site *site = &pass->advise->sites[owner->site];
    uint64_t life = time > block->time ? time - block->time : 0;
    site->lifetimes += life;
    advise_raise(&site->longest, life);
    site->live_blocks--;
    site->live_bytes -= block->size;
    if (--owner->live_blocks == 0) site->calls++;
    owner->live_bytes -= block->size;
    if (block->size >= ADVISE_LARGE) advise_large_end(pass, block, time);
    trace_live_remove(&pass->live, block);
}

/* A block ends without an event if events are missing, or if a process ends. */
static void advise_lose_block(struct advise_pass *pass, struct mallow_trace_block *block,
                              uint64_t time) {
    if (advise_block_chain(block) != 0) advise_growth_end(pass, block, time);
    advise_block_site(pass, block)->lost++;
    advise_end_block(pass, block, time);
}

/* A removal can move another block to the place of the removed one. */
void advise_end_blocks(struct advise_pass *pass, uint32_t process, uint64_t time) {
    for (size_t i = 0; i < pass->live.room; i++) {
        struct mallow_trace_block *block = &pass->live.blocks[i];
        while (block->event != TRACE_NO_EVENT && (process == 0 || block->process == process))
            advise_lose_block(pass, block, time);
    }
    for (size_t i = 0; process == 0 && i < pass->thread_count; i++)
        advise_phase_end(pass, &pass->threads[i]);
}

/* ---- the function that allocated ---- */

/* Returns true if the free happens in the call of the function that allocated the block, or in a
 * function that this call calls. The stacks then have the same caller, and in the function the free
 * comes after the allocation. If it comes before, the function frees the block of its last call. If
 * the function ends with the call of free, that call returns to its caller. */
static bool advise_find_function(const struct mallow_trace *trace, uint32_t frame_number,
                                 uint32_t free_stack) {
    const struct mallow_trace_frame *frame = mallow_trace_frame(trace, frame_number), *at;
    if (frame == NULL || frame->caller == 0) return false;
    if (free_stack == frame->caller) return true;
    for (; (at = mallow_trace_frame(trace, free_stack)) != NULL; free_stack = at->caller)
        if (at->caller == frame->caller) return at->module == frame->module && at->pc > frame->pc;
    return false;
}

static bool advise_is_in_function(struct advise_pass *pass, const struct mallow_trace_block *block,
                                  const struct mallow_trace_event *event) {
    if (event->stack == 0 || event->thread != block->thread) return false;
    uint32_t *known = index_map_add(&pass->in_function, index_map_pair(block->stack, event->stack));
    if (*known == 0)
        *known = 1 + advise_find_function(pass->advise->trace, block->stack, event->stack);
    return *known == 2;
}

/* ---- events ---- */

static void advise_note_free(struct advise_site *site, uint32_t stack) {
    for (unsigned i = 0; i < site->free_stack_count; i++)
        if (site->free_stacks[i] == stack) return;
    if (site->free_stack_count < ADVISE_FREES_MAX)
        site->free_stacks[site->free_stack_count++] = stack;
}

void advise_free_block(struct advise_pass *pass, const struct mallow_trace_event *event) {
    struct mallow_trace_block *block =
        trace_live_find(&pass->live, event->process, event->old_address);
    struct advise_thread *thread = advise_pass_thread(pass, event->thread);
    uint64_t newest = thread->newest;
    thread->newest = 0;
    if (block == NULL) return;
    struct advise_site *site = advise_block_site(pass, block);
    site->freed++;
    advise_note_free(site, event->stack);
    if (event->thread != block->thread) site->freed_by_another_thread++;
    if (advise_is_in_function(pass, block, event))
        site->freed_in_function++;
    else
        site->freed_elsewhere++;
    bool has_grown = newest != 0 && advise_growth_copy(pass, block, newest);
    if (!has_grown && advise_block_chain(block) != 0) advise_growth_end(pass, block, event->time);
    struct mallow_trace_block copy = *block;
    advise_end_block(pass, block, event->time);
    if (!has_grown) advise_phase_add(pass, &copy, event->thread);
}

/* Returns the chain of the block that is resized, which ends. */
static uint32_t advise_resize(struct advise_pass *pass, const struct mallow_trace_event *event) {
    struct mallow_trace_block *old =
        trace_live_find(&pass->live, event->process, event->old_address);
    if (old == NULL) return 0;
    uint32_t chain = advise_growth_resize(pass, old, event);
    advise_block_site(pass, old)->resized++;
    advise_end_block(pass, old, event->time);
    return chain;
}

static void advise_count(struct advise_pass *pass, const struct mallow_trace_event *event,
                         uint32_t owner_index, uint64_t size) {
    struct advise_owner *owner = &pass->owners[owner_index];
    struct advise_site *site = &pass->advise->sites[owner->site];
    bool has_align =
        event->kind >= MALLOW_TRACE_ALIGNED_ALLOC && event->kind <= MALLOW_TRACE_NEW_ARRAY;
    if (has_align) advise_raise(&site->align_max, event->count);
    site->kind = event->kind;
    site->kinds |= (uint64_t)1 << event->kind;
    site->blocks++;
    site->bytes += size;
    advise_add_size(&site->sizes, size);
    advise_raise(&site->peak_blocks, ++site->live_blocks);
    advise_raise(&site->peak_bytes, site->live_bytes += size);
    advise_raise(&site->call_peak_blocks, ++owner->live_blocks);
    advise_raise(&site->call_peak_bytes, owner->live_bytes += size);
}

void advise_allocate(struct advise_pass *pass, const struct mallow_trace_event *event) {
    struct advise_thread *thread = advise_pass_thread(pass, event->thread);
    uint64_t size = mallow_trace_bytes(event);
    bool resizes = mallow_trace_is_resize(event->kind) && event->old_address != 0;
    if (thread->freed_blocks != 0) advise_phase_end(pass, thread);
    thread->newest = event->address;
    if (event->address == 0) {
        if (resizes && size == 0) advise_free_block(pass, event);
        thread->has_moved_pages = false;
        return;
    }
    uint32_t chain = resizes ? advise_resize(pass, event) : 0;
    thread->has_moved_pages = false;
    struct mallow_trace_block *lost = trace_live_find(&pass->live, event->process, event->address);
    if (lost != NULL) advise_lose_block(pass, lost, event->time);
    struct advise_frame known = *advise_frame(pass, event->stack);
    uint32_t owner = advise_owner(pass, known.site - 1, known.frame, event->thread);
    advise_count(pass, event, owner, size);
    struct mallow_trace_block block = {.address = event->address,
                                       .size = size,
                                       .time = event->time,
                                       .event = owner | (uint64_t)chain << 32,
                                       .thread = event->thread,
                                       .process = event->process,
                                       .stack = known.frame,
                                       .kind = event->kind};
    xnonnull(trace_live_add(&pass->live, &block) ? pass : NULL);
    if (size >= ADVISE_LARGE) advise_large_add(pass, &block);
}
