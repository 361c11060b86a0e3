/* Translates events into operations, one after the other. */
#ifndef MALLOW_REPLAY_TRANSLATE_H
#define MALLOW_REPLAY_TRANSLATE_H

#include "mallow/trace.h"
#include "replay/replay_lists.h"
#include "replay/replay_mapped.h"
#include "replay/replay_program.h"
#include "replay/replay_slots.h"

struct replay_translator {
    struct replay_program *program;
    struct replay_lists lists;
    struct replay_slots slots;
    struct replay_mapped mapped;
    struct replay_moment *moments; /* of the epochs so far */
    uint32_t *list_of_thread;      /* the list + 1 of each thread of the trace, or 0 */
    size_t thread_count;
    uint32_t threads_now;
    uint32_t forked_list; /* the list + 1 that the next new thread continues, or 0 */
    uint32_t *ending;     /* lists that end with this epoch */
    size_t ending_count;
    uint64_t first_time;
    uint64_t live, live_before; /* bytes, now and when the epoch began */
    uint64_t calls_before;
    bool has_time;
    struct replay_moment now; /* of this epoch */
};

void replay_translate_begin(struct replay_translator *translator);
void replay_translate(struct replay_translator *translator, const struct mallow_trace_event *event);

/* The thread forks, and its list continues as that of the new process's first thread. */
void replay_translate_fork(struct replay_translator *translator, uint32_t thread);

void replay_translate_end(struct replay_translator *translator);

/* Frees everything except the lists' file, the epochs and the moments. */
void replay_translate_free(struct replay_translator *translator);

#endif
