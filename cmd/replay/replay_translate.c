#include "replay/replay_translate.h"

#include <err.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/xalloc.h"

#define PAGE ((uint64_t)4096) /* for estimates of what is written */
/* An epoch ends when live memory has changed by that share of its peak, so that no peak of resident
 * memory is missed, or after that many calls. */
#define LIVE_SHARE 48
#define LIVE_CHANGE_MIN ((uint64_t)128 * 1024)
#define EPOCH_CALLS 65536u

/* ---- threads ---- */

static uint32_t *translate_thread(struct replay_translator *translator, uint32_t thread) {
    while (translator->thread_count <= thread) {
        translator->list_of_thread = xgrow(translator->list_of_thread, translator->thread_count,
                                           sizeof *translator->list_of_thread);
        translator->list_of_thread[translator->thread_count++] = 0;
    }
    return &translator->list_of_thread[thread];
}

static uint32_t translate_list(struct replay_translator *translator, uint32_t thread) {
    uint32_t *list = translate_thread(translator, thread);
    if (*list != 0) return *list - 1;
    *list = translator->forked_list;
    translator->forked_list = 0;
    if (*list == 0) *list = replay_lists_add(&translator->lists) + 1;
    translator->threads_now++;
    return *list - 1;
}

static void translate_end_thread(struct replay_translator *translator, uint32_t thread) {
    uint32_t *list = translate_thread(translator, thread);
    if (*list <= 1) return;
    replay_lists_end(&translator->lists, *list - 1);
    translator->ending =
        xgrow(translator->ending, translator->ending_count, sizeof *translator->ending);
    translator->ending[translator->ending_count++] = *list - 1;
    *list = 0;
    translator->threads_now--;
}

/* ---- epochs ---- */

static struct replay_moment translate_end_moment(struct replay_translator *translator) {
    struct replay_moment moment = translator->now;
    moment.mapped = replay_mapped_bytes(&translator->mapped);
    moment.live = translator->live;
    moment.threads = translator->threads_now;
    size_t count = translator->lists.epochs_count - 1;
    translator->moments = xgrow(translator->moments, count, sizeof *translator->moments);
    translator->moments[count] = moment;
    translator->now = (struct replay_moment){.time = moment.time};
    return moment;
}

static void translate_end_epoch(struct replay_translator *translator) {
    if (translator->lists.count == 0) return;
    replay_lists_end_epoch(&translator->lists, translate_end_moment(translator).time);
    for (size_t i = 0; i < translator->ending_count; i++)
        replay_slots_end_list(&translator->slots, translator->ending[i]);
    translator->ending_count = 0;
    translator->live_before = translator->live;
    translator->calls_before = translator->program->calls;
}

static void translate_end_epoch_if_due(struct replay_translator *translator) {
    uint64_t live = translator->live, before = translator->live_before;
    uint64_t change = live > before ? live - before : before - live;
    uint64_t limit = translator->program->live_peak / LIVE_SHARE;
    if (live > translator->program->live_peak) translator->program->live_peak = live;
    if (change > (limit > LIVE_CHANGE_MIN ? limit : LIVE_CHANGE_MIN) ||
        translator->program->calls - translator->calls_before >= EPOCH_CALLS)
        translate_end_epoch(translator);
}

/* ---- calls ---- */

struct translate_call {
    enum replay_op op;
    uint64_t size, alignment, from; /* the pages that are not written */
};

static void translate_put(struct replay_translator *translator, uint32_t list, uint32_t slot,
                          const struct translate_call *call) {
    struct replay_lists *lists = &translator->lists;
    if (call->alignment > 1)
        replay_lists_put(lists, list, replay_word(REPLAY_ALIGN, 0, (uint32_t)call->alignment));
    if (call->size > UINT32_MAX)
        replay_lists_put(lists, list, replay_word(REPLAY_LARGE, 0, (uint32_t)(call->size >> 32)));
    if (call->from != 0)
        replay_lists_put(lists, list, replay_word(REPLAY_FROM, 0, (uint32_t)call->from));
    replay_lists_put(lists, list, replay_word(call->op, slot, (uint32_t)call->size));
    lists->lists[list].done++;
    translator->program->calls++;
}

/* Makes the call, after the call of another list that used the slot before. Epochs separate it from
 * older calls. */
static void translate_use(struct replay_translator *translator, uint32_t list, uint32_t number,
                          const struct translate_call *call) {
    struct replay_slot *slot = &translator->slots.slots[number];
    uint32_t epoch = (uint32_t)translator->lists.epochs_count - 1;
    if (slot->list != list && slot->epoch == epoch)
        replay_lists_put(&translator->lists, list,
                         replay_word(REPLAY_WAIT, slot->list, (uint32_t)slot->done));
    translate_put(translator, list, number, call);
    slot->list = list;
    slot->epoch = epoch;
    slot->done = translator->lists.lists[list].done;
}

static void translate_free_at(struct replay_translator *translator, uint32_t list, uint32_t *place,
                              const struct translate_call *call) {
    uint32_t slot = *place - 1;
    uint64_t size = translator->slots.slots[slot].size;
    struct translate_call sized = *call;
    if (call->size != 0) sized.size = size; /* an allocator would rely on a wrong one */
    *place = 0;
    translator->live -= size;
    translate_use(translator, list, slot, &sized);
    replay_slots_give(&translator->slots, list, slot);
}

/* Returns the place of a new block. If events are missing, the block before it may not be free. */
static uint32_t *translate_new_place(struct replay_translator *translator, uint32_t list,
                                     uint64_t address) {
    uint32_t *place = replay_slots_at(&translator->slots, address);
    if (*place != 0)
        translate_free_at(translator, list, place, &(struct translate_call){.op = REPLAY_FREE});
    return place;
}

static void translate_allocate(struct replay_translator *translator, uint32_t list,
                               uint64_t address, const struct translate_call *call) {
    uint32_t *place = translate_new_place(translator, list, address);
    uint32_t slot = replay_slots_take(&translator->slots, list);
    *place = slot + 1;
    translator->slots.slots[slot].size = call->size;
    translator->live += call->size;
    translate_use(translator, list, slot, call);
}

static void translate_free(struct replay_translator *translator, uint32_t list, uint64_t address,
                           const struct translate_call *call) {
    uint32_t *place = replay_slots_at(&translator->slots, address);
    if (*place == 0)
        translator->program->unknown++;
    else
        translate_free_at(translator, list, place, call);
}

static void translate_resize(struct replay_translator *translator, uint32_t list,
                             const struct mallow_trace_event *event) {
    struct translate_call call = {.op = REPLAY_REALLOC, .size = mallow_trace_bytes(event)};
    uint32_t *old = replay_slots_at(&translator->slots, event->old_address), slot = *old;
    if (slot == 0) { /* the block is older than the recording, or NULL */
        call.op = REPLAY_MALLOC;
        translate_allocate(translator, list, event->address, &call);
        return;
    }
    *old = 0;
    *translate_new_place(translator, list, event->address) = slot;
    uint64_t *size = &translator->slots.slots[slot - 1].size, kept = *size;
    translator->live += call.size - *size;
    *size = call.size;
    call.from = (kept < call.size ? kept : call.size) / PAGE;
    translate_use(translator, list, slot - 1, &call);
}

/* ---- events ---- */

static uint64_t translate_alignment(const struct mallow_trace_event *event) {
    bool has =
        (event->kind >= MALLOW_TRACE_ALIGNED_ALLOC && event->kind <= MALLOW_TRACE_POSIX_MEMALIGN) ||
        event->kind == MALLOW_TRACE_FREE_ALIGNED_SIZED || event->kind == MALLOW_TRACE_NEW ||
        event->kind == MALLOW_TRACE_NEW_ARRAY || event->kind == MALLOW_TRACE_DELETE ||
        event->kind == MALLOW_TRACE_DELETE_ARRAY;
    if (event->kind == MALLOW_TRACE_VALLOC || event->kind == MALLOW_TRACE_PVALLOC) return PAGE;
    bool is_power = event->count <= UINT32_MAX && (event->count & (event->count - 1)) == 0;
    return has && is_power ? event->count : 0;
}

static enum replay_op translate_op(uint8_t kind) {
    switch (kind) {
    case MALLOW_TRACE_CALLOC:
        return REPLAY_CALLOC;
    case MALLOW_TRACE_NEW:
        return REPLAY_NEW;
    case MALLOW_TRACE_NEW_ARRAY:
        return REPLAY_NEW_ARRAY;
    case MALLOW_TRACE_FREE:
        return REPLAY_FREE;
    case MALLOW_TRACE_FREE_SIZED:
    case MALLOW_TRACE_FREE_ALIGNED_SIZED:
        return REPLAY_FREE_SIZED;
    case MALLOW_TRACE_DELETE:
        return REPLAY_DELETE;
    case MALLOW_TRACE_DELETE_ARRAY:
        return REPLAY_DELETE_ARRAY;
    default:
        return REPLAY_MALLOC;
    }
}

static void translate_call(struct replay_translator *translator,
                           const struct mallow_trace_event *event) {
    struct translate_call call = {.op = translate_op(event->kind),
                                  .size = mallow_trace_bytes(event),
                                  .alignment = translate_alignment(event)};
    uint32_t list = translate_list(translator, event->thread);
    bool is_resize = mallow_trace_is_resize(event->kind);
    if (event->kind == MALLOW_TRACE_NEW) translator->program->is_cxx = true;
    if (event->kind == MALLOW_TRACE_PVALLOC) call.size = (call.size + PAGE - 1) & ~(PAGE - 1);
    if (mallow_trace_is_free(event->kind)) {
        translate_free(translator, list, event->old_address, &call);
    } else if (event->address != 0) {
        if (is_resize)
            translate_resize(translator, list, event);
        else
            translate_allocate(translator, list, event->address, &call);
    } else if (is_resize && event->error == 0 && call.size == 0 && event->old_address != 0) {
        translate_free(translator, list, event->old_address,
                       &(struct translate_call){.op = REPLAY_FREE});
    } else {
        translator->program->failed++;
    }
    translate_end_epoch_if_due(translator);
}

static void translate_resident(struct replay_translator *translator,
                               const struct mallow_trace_event *event) {
    translator->now.resident = event->size;
    translator->now.anonymous = event->count;
    translate_end_epoch(translator);
}

static void translate_time(struct replay_translator *translator, uint64_t time) {
    if (!translator->has_time) translator->first_time = time;
    translator->has_time = true;
    if (time - translator->first_time > translator->now.time && time > translator->first_time)
        translator->now.time = time - translator->first_time;
}

static void translate_other(struct replay_translator *translator,
                            const struct mallow_trace_event *event) {
    struct replay_program *program = translator->program;
    switch (event->kind) {
    case MALLOW_TRACE_TRIM: {
        uint32_t list = translate_list(translator, event->thread);
        translate_put(translator, list, 0,
                      &(struct translate_call){.op = REPLAY_TRIM, .size = event->size});
        break;
    }
    case MALLOW_TRACE_THREAD_START:
        translate_list(translator, event->thread);
        break;
    case MALLOW_TRACE_THREAD_END:
        translate_end_thread(translator, event->thread);
        break;
    case MALLOW_TRACE_RESIDENT:
        translate_resident(translator, event);
        break;
    case MALLOW_TRACE_LOST:
        program->lost += event->count;
        break;
    case MALLOW_TRACE_PAUSE:
        program->was_paused = true;
        break;
    default:
        if (mallow_trace_is_system_call(event->kind) && !event->is_caused)
            replay_mapped_follow(&translator->mapped, event);
    }
}

void replay_translate(struct replay_translator *translator,
                      const struct mallow_trace_event *event) {
    translate_time(translator, event->time);
    if (mallow_trace_is_allocation(event->kind) || mallow_trace_is_free(event->kind))
        translate_call(translator, event);
    else
        translate_other(translator, event);
}

/* Other threads of the parent do not exist in the new process. */
void replay_translate_fork(struct replay_translator *translator, uint32_t thread) {
    uint32_t list = translate_list(translator, thread);
    for (uint32_t i = 0; i < translator->thread_count; i++)
        if (translator->list_of_thread[i] != list + 1) translate_end_thread(translator, i);
    *translate_thread(translator, thread) = 0;
    translator->threads_now--;
    translator->forked_list = list + 1;
    /* Samples before the fork are of the parent. */
    for (size_t i = 0; i + 1 < translator->lists.epochs_count; i++)
        translator->moments[i].resident = translator->moments[i].anonymous = 0;
}

void replay_translate_begin(struct replay_translator *translator) {
    replay_lists_open(&translator->lists);
}

void replay_translate_end(struct replay_translator *translator) {
    if (translator->program->calls == 0)
        errx(EXIT_OWN_FAILURE, "the trace has no allocations of process %u",
             translator->program->process);
    if (translator->program->calls > UINT32_MAX)
        errx(EXIT_OWN_FAILURE, "the trace has %llu calls, and a replay can have %u",
             (unsigned long long)translator->program->calls, UINT32_MAX);
    translator->program->duration = translate_end_moment(translator).time;
    replay_lists_close(&translator->lists, translator->program->duration);
}

void replay_translate_free(struct replay_translator *translator) {
    replay_slots_free(&translator->slots);
    replay_mapped_free(&translator->mapped);
    free(translator->lists.lists);
    free(translator->lists.active);
    free(translator->list_of_thread);
    free(translator->ending);
}
