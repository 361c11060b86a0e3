/* The coder of events. trace_decode.c does the opposite in the same order. */
#include <stdlib.h>

#include "trace_coder.h"

#define CODER_NOT_MADE UINT32_MAX
#define CODER_NUMBER_MAX (UINT64_MAX / 4) /* leaves room for codes */

const uint8_t trace_column_bytes[TRACE_COLUMNS] = {
    [TRACE_COLUMN_KIND] = 1,
    [TRACE_COLUMN_THREAD] = 2 * TRACE_NUMBER_MAX,
    [TRACE_COLUMN_TIME] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_STACK] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_SIZE] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_COUNT] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_ADDRESS] = 2 * TRACE_NUMBER_MAX,
    [TRACE_COLUMN_OLD] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_FAR] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_PLACE] = TRACE_NUMBER_MAX,
    [TRACE_COLUMN_PLAIN] = 8 * TRACE_NUMBER_MAX,
};

struct trace_coder *trace_coder_open(void) {
    struct trace_coder *coder = calloc(1, sizeof *coder);
    if (coder == NULL) return NULL;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) {
        if (trace_bytes_reserve(&coder->columns[i],
                                (size_t)trace_column_bytes[i] * (TRACE_GROUP_EVENTS + 1)))
            continue;
        trace_coder_close(coder);
        return NULL;
    }
    return coder;
}

void trace_coder_close(struct trace_coder *coder) {
    if (coder == NULL) return;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) trace_bytes_free(&coder->columns[i]);
    free(coder);
}

void trace_coder_begin_group(struct trace_coder *coder, uint64_t number, uint64_t time) {
    trace_model_reset(&coder->model);
    coder->model.time = time;
    coder->group_first = number;
}

void trace_coder_begin_frame(struct trace_coder *coder) {
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) coder->columns[i].count = 0;
    coder->events = coder->run = 0;
}

void trace_coder_end_frame(struct trace_coder *coder) {
    if (coder->run != 0) trace_bytes_put(&coder->columns[TRACE_COLUMN_THREAD], coder->run);
}

static void trace_coder_put(struct trace_coder *coder, enum trace_column column, uint64_t number) {
    trace_bytes_put(&coder->columns[column], number);
}

/* A run of events of one thread ends where another thread's begins. The first thread of a frame
 * comes after an empty run if it is not the last one of the frame before. */
static void trace_coder_put_thread(struct trace_coder *coder, uint32_t thread) {
    if (thread != coder->model.thread) {
        trace_coder_put(coder, TRACE_COLUMN_THREAD, coder->run);
        trace_coder_put(coder, TRACE_COLUMN_THREAD, thread);
        coder->model.thread = thread;
        coder->run = 0;
    }
    coder->run++;
}

static void trace_coder_put_time(struct trace_coder *coder, struct trace_thread_state *thread,
                                 uint64_t time) {
    uint64_t before = thread->is_known ? thread->time : coder->model.time;
    trace_coder_put(coder, TRACE_COLUMN_TIME, trace_fold(time - before));
    coder->model.time = thread->time = time;
    thread->is_known = true;
}

/* The stack after the last two stacks of the thread, or after the last one. */
static void trace_coder_put_stack(struct trace_coder *coder, struct trace_thread_state *thread,
                                  const struct mallow_trace_event *event) {
    struct trace_model *model = &coder->model;
    uint64_t last = (uint64_t)thread->stack << 6 | event->kind;
    uint32_t *two = &model->stacks[0][trace_model_hash(last, thread->stack_before)];
    uint32_t *one = &model->stacks[1][trace_model_hash(last, 0)];
    uint64_t code = event->stack == *two   ? 0
                    : event->stack == *one ? 1
                                           : (uint64_t)event->stack + 2;
    trace_coder_put(coder, TRACE_COLUMN_STACK, code);
    *two = *one = event->stack;
    thread->stack_before = thread->stack;
    thread->stack = event->stack;
}

static void trace_coder_put_size(struct trace_coder *coder, struct trace_thread_state *thread,
                                 const struct mallow_trace_event *event) {
    struct trace_model *model = &coder->model;
    uint64_t site = (uint64_t)event->stack << 6 | event->kind;
    uint64_t *two = &model->sizes[0][trace_model_hash(site, thread->size)];
    uint64_t *one = &model->sizes[1][trace_model_hash(site, 0)];
    uint64_t code = event->size == *two ? 0 : event->size == *one ? 1 : event->size + 2;
    trace_coder_put(coder, TRACE_COLUMN_SIZE, code);
    *two = *one = thread->size = event->size;
}

static void trace_coder_put_count(struct trace_coder *coder,
                                  const struct mallow_trace_event *event) {
    uint64_t *count = &coder->model.counts[trace_model_hash(event->stack, event->kind)];
    trace_coder_put(coder, TRACE_COLUMN_COUNT, event->count == *count ? 0 : event->count + 1);
    *count = event->count;
}

/* Codes the block that is freed or resized. Returns its class, and stores the allocation that made
 * it, or NULL. */
static uint32_t trace_coder_put_old(struct trace_coder *coder, struct trace_thread_state *thread,
                                    const struct mallow_trace_event *event,
                                    const struct mallow_trace_block *old,
                                    const struct trace_made **made) {
    struct trace_model *model = &coder->model;
    *made = NULL;
    uint32_t index = CODER_NOT_MADE;
    if (old != NULL && old->event >= coder->group_first)
        index = coder->made_by[old->event - coder->group_first];
    if (index != CODER_NOT_MADE) {
        uint32_t age = model->allocations - index;
        uint32_t *known =
            &model->ages[trace_model_hash((uint64_t)event->stack << 6 | event->kind, thread->age)];
        trace_coder_put(coder, TRACE_COLUMN_OLD,
                        age == *known ? TRACE_OLD_PREDICTED : TRACE_OLD_AGE + (uint64_t)age - 1);
        *known = thread->age = age;
        *made = &model->made[index];
        return (*made)->size_class;
    }
    uint32_t size_class = old == NULL ? 0 : trace_size_class(old->size);
    trace_coder_put(coder, TRACE_COLUMN_OLD, TRACE_OLD_FAR);
    trace_coder_put(coder, TRACE_COLUMN_FAR, trace_fold(event->old_address - model->far));
    trace_coder_put(coder, TRACE_COLUMN_PLACE, size_class);
    model->far = event->old_address;
    return size_class;
}

static uint32_t trace_coder_find_freed(const struct trace_place *place, uint64_t address) {
    for (uint32_t depth = 0; depth < place->count; depth++)
        if (place->freed[place->count - 1 - depth] == address) return depth;
    return TRACE_DEPTH;
}

static void trace_coder_put_address(struct trace_coder *coder,
                                    const struct mallow_trace_event *event, uint64_t bytes) {
    uint32_t size_class = trace_size_class(bytes);
    struct trace_place *place = trace_model_place(&coder->model, size_class);
    uint64_t address = event->address, difference = address - place->last;
    uint32_t depth;
    if (mallow_trace_is_resize(event->kind) && address == event->old_address) {
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS, TRACE_ADDRESS_SAME);
    } else if ((depth = trace_coder_find_freed(place, address)) < TRACE_DEPTH) {
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS, depth);
        trace_place_take(place, depth);
    } else if (difference == place->stride) {
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS, TRACE_ADDRESS_STRIDE);
    } else if (difference % 8 == 0) {
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS,
                        TRACE_ADDRESS_DIFFERENCE + trace_fold((uint64_t)((int64_t)difference / 8)));
    } else {
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS, TRACE_ADDRESS_RAW);
        trace_coder_put(coder, TRACE_COLUMN_ADDRESS, address);
    }
    trace_model_allocate(&coder->model, place, address, bytes, size_class);
}

static void trace_coder_put_allocation(struct trace_coder *coder, struct trace_thread_state *thread,
                                       const struct mallow_trace_event *event,
                                       const struct mallow_trace_block *old, uint64_t number) {
    const struct trace_made *made;
    uint32_t old_class = 0;
    bool had_block = mallow_trace_is_resize(event->kind) && event->old_address != 0;
    trace_coder_put_size(coder, thread, event);
    if (trace_has_count(event->kind)) trace_coder_put_count(coder, event);
    if (had_block)
        old_class = trace_coder_put_old(coder, thread, event, old, &made);
    else if (mallow_trace_is_resize(event->kind))
        trace_coder_put(coder, TRACE_COLUMN_OLD, TRACE_OLD_NONE);
    coder->made_by[number] = coder->model.allocations;
    trace_coder_put_address(coder, event, mallow_trace_bytes(event));
    if (had_block && event->old_address != event->address)
        trace_place_give(trace_model_place(&coder->model, old_class), event->old_address);
}

static void trace_coder_put_free(struct trace_coder *coder, struct trace_thread_state *thread,
                                 const struct mallow_trace_event *event,
                                 const struct mallow_trace_block *old) {
    const struct trace_made *made;
    uint32_t size_class = trace_coder_put_old(coder, thread, event, old, &made);
    if (trace_has_size(event->kind))
        trace_coder_put(coder, TRACE_COLUMN_SIZE,
                        made != NULL && made->size == event->size ? 0 : event->size + 1);
    if (trace_has_count(event->kind)) trace_coder_put_count(coder, event);
    trace_place_give(trace_model_place(&coder->model, size_class), event->old_address);
}

static void trace_coder_put_plain(struct trace_coder *coder,
                                  const struct mallow_trace_event *event) {
    const uint64_t numbers[] = {event->size,       event->count, event->error,
                                event->protection, event->flags, event->old_address};
    trace_coder_put(coder, TRACE_COLUMN_PLAIN, trace_fold(event->address - coder->model.plain));
    for (unsigned i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        trace_coder_put(coder, TRACE_COLUMN_PLAIN, numbers[i]);
    coder->model.plain = event->address;
}

/* True if the event has no members but those in the columns of allocations or frees. */
static bool trace_coder_is_ordinary(const struct mallow_trace_event *event) {
    if (event->size > CODER_NUMBER_MAX || event->count > CODER_NUMBER_MAX) return false;
    if (mallow_trace_is_allocation(event->kind)) return event->address != 0;
    return mallow_trace_is_free(event->kind) && event->old_address != 0;
}

void trace_coder_add(struct trace_coder *coder, const struct mallow_trace_event *event,
                     uint64_t time, const struct mallow_trace_block *old) {
    uint32_t number = coder->model.events++;
    bool is_ordinary = trace_coder_is_ordinary(event);
    struct trace_bytes *kinds = &coder->columns[TRACE_COLUMN_KIND];
    bool follows = event->is_caused && event->follows_cause;
    kinds->data[kinds->count++] =
        (uint8_t)(event->kind | (event->is_caused ? TRACE_KIND_CAUSED : 0) |
                  (is_ordinary || follows ? 0 : TRACE_KIND_PLAIN));
    coder->events++;
    coder->made_by[number] = CODER_NOT_MADE;
    trace_coder_put_thread(coder, event->thread);
    struct trace_thread_state *thread = trace_model_thread(&coder->model);
    trace_coder_put_time(coder, thread, time);
    trace_coder_put_stack(coder, thread, event);
    if (!is_ordinary)
        trace_coder_put_plain(coder, event);
    else if (mallow_trace_is_allocation(event->kind))
        trace_coder_put_allocation(coder, thread, event, old, number);
    else
        trace_coder_put_free(coder, thread, event, old);
}
