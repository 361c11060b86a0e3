/* mallow advise: large blocks, and system calls that the program makes on the pages of blocks. */
#include <stdlib.h>
#include <sys/mman.h>

#include "advise/advise_pass.h"
#include "common/xalloc.h"

/* Each search for the block that an address is in looks at all of them. */
#define SEARCHES_MAX 1000u

/* ---- residency ---- */

void advise_large_add(struct advise_pass *pass, const struct mallow_trace_block *block) {
    struct advise_process *process = advise_pass_process(pass, block->process);
    process->larges += block->size;
    pass->larges = xgrow(pass->larges, pass->large_count, sizeof *pass->larges);
    pass->larges[pass->large_count++] =
        (struct advise_large_block){.process = block->process,
                                    .site = pass->owners[advise_block_owner(block)].site,
                                    .address = block->address,
                                    .size = block->size,
                                    .time = block->time,
                                    .resident = process->resident,
                                    .larges = process->larges};
}

/* The resident set has grown since the large block was allocated. Large blocks that were allocated
 * later can explain a part of that; the process must have touched the rest in this block. */
static void advise_large_touch(struct advise_large_block *large,
                               const struct advise_process *process) {
    uint64_t grown = process->resident > large->resident ? process->resident - large->resident : 0;
    uint64_t others = process->larges - large->larges;
    uint64_t touched = grown > others ? grown - others : 0;
    if (touched > large->size) touched = large->size;
    if (touched > large->touched) large->touched = touched;
}

void advise_resident(struct advise_pass *pass, const struct mallow_trace_event *event) {
    struct advise_process *process = advise_pass_process(pass, event->process);
    process->resident = event->size;
    pass->advise->has_residency = true;
    for (size_t i = 0; i < pass->large_count; i++)
        if (pass->larges[i].process == event->process)
            advise_large_touch(&pass->larges[i], process);
}

static struct advise_large_block *advise_large_find(const struct advise_pass *pass,
                                                    uint32_t process, uint64_t address) {
    for (size_t i = pass->large_count; i-- > 0;)
        if (pass->larges[i].address == address && pass->larges[i].process == process)
            return &pass->larges[i];
    return NULL;
}

void advise_large_end(struct advise_pass *pass, const struct mallow_trace_block *block,
                      uint64_t time) {
    struct advise_large_block *large = advise_large_find(pass, block->process, block->address);
    struct advise_large *figures = &advise_block_site(pass, block)->large;
    if (large == NULL) return;
    uint64_t life = time - large->time;
    figures->blocks++;
    figures->bytes += large->size;
    figures->touched += large->touched;
    if (life > figures->longest) figures->longest = life;
    figures->has_huge_pages = figures->has_huge_pages || large->has_huge_pages;
    *large = pass->larges[--pass->large_count];
}

/* ---- system calls ---- */

static bool advise_overlaps(const struct mallow_trace_event *event, uint64_t address,
                            uint64_t size) {
    return event->address < address + size && address < event->address + event->size;
}

/* Returns the block that begins at the address of the call, or that contains its first page. */
static struct mallow_trace_block *advise_block_of_pages(struct advise_pass *pass,
                                                        const struct mallow_trace_event *event) {
    struct mallow_trace_block *block = trace_live_find(&pass->live, event->process, event->address);
    if (block != NULL || ++pass->searches > SEARCHES_MAX) return block;
    for (size_t i = 0; i < pass->live.room; i++) {
        block = &pass->live.blocks[i];
        if (block->event != TRACE_NO_EVENT && block->process == event->process &&
            event->address - block->address < block->size)
            return block;
    }
    return NULL;
}

static void advise_huge_pages(struct advise_pass *pass, const struct mallow_trace_event *event) {
    for (size_t i = 0; i < pass->large_count; i++) {
        struct advise_large_block *large = &pass->larges[i];
        if (large->process == event->process && advise_overlaps(event, large->address, large->size))
            large->has_huge_pages = true;
    }
}

static void advise_program_call(struct advise_pass *pass, const struct mallow_trace_event *event) {
    struct mallow_trace_block *block = advise_block_of_pages(pass, event);
    if (block == NULL) return;
    struct advise_site *site = advise_block_site(pass, block);
    bool hides = event->flags == MADV_DONTDUMP || event->flags == MADV_WIPEONFORK;
    if (event->kind == MALLOW_TRACE_MPROTECT)
        site->protected ++;
    else if (hides)
        site->hidden++;
    else if (event->flags == MADV_DONTNEED || event->flags == MADV_FREE)
        site->advised++;
}

void advise_system_call(struct advise_pass *pass, const struct mallow_trace_event *event) {
    if (event->error != 0) return;
    if (event->kind == MALLOW_TRACE_MADVISE && event->flags == MADV_HUGEPAGE)
        advise_huge_pages(pass, event);
    if (event->is_caused) {
        if (event->kind == MALLOW_TRACE_MREMAP)
            advise_pass_thread(pass, event->thread)->has_moved_pages = true;
        return;
    }
    if (event->kind == MALLOW_TRACE_MPROTECT || event->kind == MALLOW_TRACE_MADVISE)
        advise_program_call(pass, event);
}
