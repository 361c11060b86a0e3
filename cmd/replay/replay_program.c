#include "replay/replay_program.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "replay/replay_translate.h"

/* ---- the processes ---- */

/* A process that was forked has its parent's blocks: the parent's events until the fork precede
 * its own. Stores the processes, the oldest first, and returns their number. */
static uint32_t replay_chain(const struct mallow_trace *trace, uint32_t process, uint32_t **chain) {
    uint32_t count = 0, at = process;
    do {
        const struct mallow_trace_process *facts = mallow_trace_process(trace, at);
        *chain = xgrow(*chain, count, sizeof **chain);
        (*chain)[count++] = at;
        at = facts != NULL && facts->is_fork && facts->parent < at ? facts->parent : 0;
    } while (at != 0);
    for (uint32_t i = 0; i < count / 2; i++) {
        uint32_t other = (*chain)[i];
        (*chain)[i] = (*chain)[count - 1 - i];
        (*chain)[count - 1 - i] = other;
    }
    return count;
}

static _Noreturn void replay_fail_to_read(const struct mallow_trace *trace) {
    errx(EXIT_OWN_FAILURE, "%s", mallow_trace_error(trace));
}

/* Returns the process with the most events. */
static uint32_t replay_largest_process(struct mallow_trace *trace) {
    size_t processes = mallow_trace_processes(trace);
    const struct mallow_trace_event *event;
    if (processes <= 1) return 1;
    uint64_t *counts = xcalloc(processes + 1, sizeof *counts);
    while ((event = mallow_trace_next(trace)) != NULL)
        if (event->process <= processes) counts[event->process]++;
    if (mallow_trace_error(trace) != NULL || !mallow_trace_seek(trace, 0))
        replay_fail_to_read(trace);
    uint32_t best = 1;
    for (uint32_t i = 2; i <= processes; i++)
        if (counts[i] > counts[best]) best = i;
    free(counts);
    return best;
}

static void replay_read_events(struct replay_translator *translator, struct mallow_trace *trace) {
    const struct mallow_trace_event *event;
    uint32_t *chain = NULL;
    uint32_t count = replay_chain(trace, translator->program->process, &chain), at = 0;
    while ((event = mallow_trace_next(trace)) != NULL) {
        bool is_ours = event->process == chain[at];
        if (event->kind == MALLOW_TRACE_FORK && is_ours && at + 1 < count &&
            event->count == chain[at + 1]) {
            replay_translate_fork(translator, event->thread);
            at++;
        } else if (is_ours) {
            replay_translate(translator, event);
        } else {
            translator->program->other_events++;
        }
    }
    free(chain);
    if (mallow_trace_error(trace) != NULL) replay_fail_to_read(trace);
}

/* ---- the file ---- */

static uint64_t replay_align(uint64_t bytes) { return (bytes + 4095) & ~(uint64_t)4095; }

static void replay_write_file(struct replay_program *program, const struct replay_lists *lists,
                              uint32_t slots) {
    struct replay_head head = {.chunks_at = REPLAY_CHUNKS_AT,
                               .chunks = lists->chunks,
                               .threads = (uint32_t)lists->count,
                               .epochs = (uint32_t)lists->epochs_count,
                               .slots = slots,
                               .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
                               .written = REPLAY_WRITTEN_ALL};
    head.threads_at = replay_align(head.chunks_at +
                                   (uint64_t)head.chunks * REPLAY_CHUNK_WORDS * sizeof(uint64_t));
    head.epochs_at = replay_align(head.threads_at + head.threads * sizeof(struct replay_thread));
    head.slots_at = replay_align(head.epochs_at + head.epochs * sizeof(struct replay_epoch));
    head.bytes = replay_align(head.slots_at + (slots + (uint64_t)1) * sizeof(void *));
    munmap(lists->map, lists->bytes);
    program->file = lists->file;
    if (ftruncate(program->file, (off_t)head.bytes) != 0)
        err(EXIT_OWN_FAILURE, "no memory for the operations of the trace");
    program->head = mmap(NULL, head.bytes, PROT_READ | PROT_WRITE, MAP_SHARED, program->file, 0);
    if (program->head == MAP_FAILED)
        err(EXIT_OWN_FAILURE, "no memory for the operations of the trace");
    *program->head = head;
}

static void replay_keep_threads(struct replay_program *program, const struct replay_lists *lists) {
    program->threads = xcalloc(lists->count, sizeof *program->threads);
    for (size_t i = 0; i < lists->count; i++) {
        program->threads[i].chunk = lists->lists[i].first_chunk;
        program->threads[i].first_epoch = lists->lists[i].first_epoch;
        program->threads[i].last_epoch = lists->lists[i].last_epoch;
    }
}

void replay_program_read(struct replay_program *program, struct mallow_trace *trace,
                         uint32_t process) {
    size_t processes = mallow_trace_processes(trace);
    if (process > processes)
        usage_error("--process='%u': the trace has %zu process%s", process, processes,
                    processes == 1 ? "" : "es");
    *program = (struct replay_program){
        .process = process != 0 ? process : replay_largest_process(trace), .file = -1};
    struct replay_translator translator = {.program = program};
    replay_translate_begin(&translator);
    if (processes != 0) replay_read_events(&translator, trace);
    replay_translate_end(&translator);
    replay_write_file(program, &translator.lists, translator.slots.count);
    replay_keep_threads(program, &translator.lists);
    program->epochs = translator.lists.epochs;
    program->moments = translator.moments;
    replay_translate_free(&translator);
}

void replay_program_reset(const struct replay_program *program) {
    struct replay_head *head = program->head;
    char *start = (char *)head;
    memcpy(start + head->threads_at, program->threads, head->threads * sizeof *program->threads);
    memcpy(start + head->epochs_at, program->epochs, head->epochs * sizeof *program->epochs);
    memset(start + head->slots_at, 0, (head->slots + (size_t)1) * sizeof(void *));
    head->epoch = head->is_complete = 0;
    head->resident_peak = 0;
    head->provider[0] = '\0';
}

void replay_program_free(struct replay_program *program) {
    munmap(program->head, program->head->bytes);
    close(program->file);
    free(program->threads);
    free(program->epochs);
    free(program->moments);
}
