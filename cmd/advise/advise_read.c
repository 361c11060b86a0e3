/* mallow advise: reads the trace. */
#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "advise/advise_pass.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "profiles/profile.h"

void *advise_pass_reach(void *array, size_t *count, size_t index, size_t size) {
    if (index < *count) return array;
    size_t more = index + index / 2 + 16;
    char *longer = xnonnull(reallocarray(array, more, size));
    memset(longer + *count * size, 0, (more - *count) * size);
    *count = more;
    return longer;
}

struct advise_thread *advise_pass_thread(struct advise_pass *pass, uint32_t number) {
    pass->threads =
        advise_pass_reach(pass->threads, &pass->thread_count, number, sizeof *pass->threads);
    return &pass->threads[number];
}

struct advise_process *advise_pass_process(struct advise_pass *pass, uint32_t number) {
    pass->processes =
        advise_pass_reach(pass->processes, &pass->process_count, number, sizeof *pass->processes);
    return &pass->processes[number];
}

static void advise_read_event(struct advise_pass *pass, const struct mallow_trace_event *event) {
    if (mallow_trace_is_allocation(event->kind)) {
        advise_allocate(pass, event);
    } else if (mallow_trace_is_free(event->kind)) {
        advise_free_block(pass, event);
    } else if (mallow_trace_is_system_call(event->kind)) {
        advise_system_call(pass, event);
    } else if (event->kind == MALLOW_TRACE_RESIDENT) {
        advise_resident(pass, event);
    } else if (event->kind == MALLOW_TRACE_EXEC || event->kind == MALLOW_TRACE_EXIT) {
        advise_end_blocks(pass, event->process, event->time);
    }
    if (pass->live.bytes > pass->advise->peak_bytes) pass->advise->peak_bytes = pass->live.bytes;
}

static void advise_pass_free(struct advise_pass *pass) {
    for (size_t i = 0; i < pass->thread_count; i++) free(pass->threads[i].freed);
    trace_live_clear(&pass->live);
    index_map_clear(&pass->owner_numbers);
    index_map_clear(&pass->site_threads);
    index_map_clear(&pass->place_sites);
    index_map_clear(&pass->in_function);
    free(pass->owners);
    free(pass->threads);
    free(pass->processes);
    free(pass->frames);
    free(pass->chains);
    free(pass->free_chains);
    free(pass->larges);
}

/* Ends the command if the trace cannot be read. */
static void advise_check(const struct mallow_trace *trace) {
    if (mallow_trace_error(trace) != NULL)
        errx(trace == NULL ? EXIT_OWN_FAILURE : EXIT_BAD_PROFILE, "%s", mallow_trace_error(trace));
}

struct advise *advise_read(const char *path) {
    struct advise *advise = xcalloc(1, sizeof *advise);
    struct advise_pass pass = {.advise = advise};
    const struct mallow_trace_event *event;
    advise->trace = mallow_trace_open(path, 0);
    advise_check(advise->trace);
    const struct mallow_trace_facts *facts = mallow_trace_get_facts(advise->trace);
    if (!facts->has_stacks)
        errx(EXIT_BAD_PROFILE,
             "%s has no stacks, so it does not say which code allocates: record it with "
             "'mallow run --trace=FILE --trace-stacks'",
             path);
    advise->stacks = trace_stacks_open(advise->trace);
    advise->is_mallow = strcmp(facts->allocator, "mallow") == 0;
    while ((event = mallow_trace_next(advise->trace)) != NULL) {
        advise_read_event(&pass, event);
        advise->duration = event->time;
        advise->events++;
    }
    advise_check(advise->trace);
    advise_end_blocks(&pass, 0, advise->duration);
    advise_pass_free(&pass);
    if (mallow_trace_damage(advise->trace) != NULL)
        warnx("%s: %s", path, mallow_trace_damage(advise->trace));
    return advise;
}

void advise_free(struct advise *advise) {
    for (size_t i = 0; i < advise->count; i++) {
        free(advise->list[i].what);
        free(advise->list[i].evidence);
        free(advise->list[i].others);
    }
    free(advise->list);
    free(advise->sites);
    trace_stacks_close(advise->stacks);
    mallow_trace_close(advise->trace);
    free(advise);
}
