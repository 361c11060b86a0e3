#include "replay/replay_lists.h"

#include <err.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"

#define CHUNK_BYTES (REPLAY_CHUNK_WORDS * sizeof(uint64_t))
#define GROWTH_MIN ((size_t)1 << 20)

_Static_assert(sizeof(struct replay_head) <= REPLAY_CHUNKS_AT, "the head precedes the chunks");

/* ---- chunks ---- */

static void replay_lists_reserve(struct replay_lists *lists, size_t bytes) {
    if (bytes <= lists->bytes) return;
    size_t room = lists->bytes + lists->bytes / 2 + GROWTH_MIN;
    if (ftruncate(lists->file, (off_t)room) != 0)
        err(EXIT_OWN_FAILURE, "no memory for the operations of the trace");
    void *map = lists->map == NULL
                    ? mmap(NULL, room, PROT_READ | PROT_WRITE, MAP_SHARED, lists->file, 0)
                    : mremap(lists->map, lists->bytes, room, MREMAP_MAYMOVE);
    if (map == MAP_FAILED) err(EXIT_OWN_FAILURE, "no memory for the operations of the trace");
    lists->map = map;
    lists->bytes = room;
}

static uint32_t replay_lists_new_chunk(struct replay_lists *lists) {
    replay_lists_reserve(lists, REPLAY_CHUNKS_AT + (lists->chunks + (size_t)1) * CHUNK_BYTES);
    return lists->chunks++;
}

static uint64_t *replay_lists_word(struct replay_lists *lists, uint64_t at) {
    return (uint64_t *)(lists->map + REPLAY_CHUNKS_AT) + at;
}

/* The last word of a chunk leads to the next one. */
static void replay_lists_append(struct replay_lists *lists, struct replay_list *list,
                                uint64_t word) {
    if (list->at % REPLAY_CHUNK_WORDS == REPLAY_CHUNK_WORDS - 1) {
        uint32_t chunk = replay_lists_new_chunk(lists);
        *replay_lists_word(lists, list->at) = replay_word(REPLAY_JUMP, 0, chunk);
        list->at = (uint64_t)chunk * REPLAY_CHUNK_WORDS;
    }
    *replay_lists_word(lists, list->at++) = word;
}

/* ---- epochs ---- */

static void replay_lists_begin_epoch(struct replay_lists *lists) {
    lists->epochs = xgrow(lists->epochs, lists->epochs_count, sizeof *lists->epochs);
    lists->epochs[lists->epochs_count++] = (struct replay_epoch){0};
}

static struct replay_epoch *replay_lists_epoch(struct replay_lists *lists) {
    return &lists->epochs[lists->epochs_count - 1];
}

static void replay_lists_enter(struct replay_lists *lists, uint32_t number) {
    struct replay_list *list = &lists->lists[number];
    if (list->is_active || number == 0) return;
    list->is_active = true;
    lists->active = xgrow(lists->active, lists->actives, sizeof *lists->active);
    lists->active[lists->actives++] = number;
    replay_lists_epoch(lists)->unfinished++;
    replay_lists_append(lists, list, replay_word(REPLAY_BEGIN, 0, (uint32_t)lists->epochs_count));
}

static void replay_lists_leave(struct replay_lists *lists, uint32_t number) {
    struct replay_list *list = &lists->lists[number];
    uint32_t epoch = (uint32_t)lists->epochs_count - 1;
    replay_lists_append(lists, list, replay_word(REPLAY_END, list->ends, epoch));
    list->last_epoch = epoch;
    list->is_active = false;
    replay_lists_epoch(lists)->number += list->ends;
}

static void replay_lists_leave_all(struct replay_lists *lists, uint64_t time) {
    for (size_t i = 0; i < lists->actives; i++) replay_lists_leave(lists, lists->active[i]);
    replay_lists_leave(lists, 0);
    lists->actives = 0;
    replay_lists_epoch(lists)->time = time;
}

void replay_lists_end_epoch(struct replay_lists *lists, uint64_t time) {
    replay_lists_leave_all(lists, time);
    replay_lists_begin_epoch(lists);
}

/* ---- lists ---- */

void replay_lists_open(struct replay_lists *lists) {
    *lists = (struct replay_lists){.file = memfd_create("mallow-replay", MFD_CLOEXEC)};
    if (lists->file < 0) err(EXIT_OWN_FAILURE, "cannot create a file in memory");
    replay_lists_begin_epoch(lists);
}

uint32_t replay_lists_add(struct replay_lists *lists) {
    uint32_t chunk = replay_lists_new_chunk(lists);
    lists->lists = xgrow(lists->lists, lists->count, sizeof *lists->lists);
    lists->lists[lists->count] =
        (struct replay_list){.first_chunk = chunk,
                             .at = (uint64_t)chunk * REPLAY_CHUNK_WORDS,
                             .first_epoch = (uint32_t)lists->epochs_count - 1};
    return (uint32_t)lists->count++;
}

void replay_lists_put(struct replay_lists *lists, uint32_t list, uint64_t word) {
    replay_lists_enter(lists, list);
    replay_lists_append(lists, &lists->lists[list], word);
}

void replay_lists_end(struct replay_lists *lists, uint32_t list) {
    if (list == 0) return;
    replay_lists_enter(lists, list);
    lists->lists[list].ends = true;
}

/* A list that has ended in an earlier epoch is not active. */
void replay_lists_close(struct replay_lists *lists, uint64_t time) {
    for (uint32_t i = 1; i < lists->count; i++)
        if (!lists->lists[i].ends) replay_lists_end(lists, i);
    lists->lists[0].ends = true;
    replay_lists_leave_all(lists, time);
}
