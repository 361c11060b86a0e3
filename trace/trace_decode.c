/* The decoder of events. trace_encode.c does the opposite in the same order. */
#include "trace_coder.h"

void trace_decoder_begin_group(struct trace_decoder *decoder, uint64_t time) {
    trace_model_reset(&decoder->model);
    decoder->model.time = time;
}

void trace_decoder_begin_frame(struct trace_decoder *decoder) {
    decoder->run = trace_cursor_number(&decoder->columns[TRACE_COLUMN_THREAD]);
}

static uint64_t trace_decoder_get(struct trace_decoder *decoder, enum trace_column column) {
    return trace_cursor_number(&decoder->columns[column]);
}

static void trace_decoder_get_thread(struct trace_decoder *decoder) {
    if (decoder->run == 0) {
        decoder->model.thread = (uint32_t)trace_decoder_get(decoder, TRACE_COLUMN_THREAD);
        decoder->run = trace_decoder_get(decoder, TRACE_COLUMN_THREAD);
        if (decoder->run == 0) decoder->columns[TRACE_COLUMN_THREAD].failed = true;
    }
    decoder->run--;
}

static void trace_decoder_get_time(struct trace_decoder *decoder,
                                   struct trace_thread_state *thread) {
    uint64_t before = thread->is_known ? thread->time : decoder->model.time;
    thread->time = before + trace_unfold(trace_decoder_get(decoder, TRACE_COLUMN_TIME));
    decoder->model.time = thread->time;
    thread->is_known = true;
}

static void trace_decoder_get_stack(struct trace_decoder *decoder,
                                    struct trace_thread_state *thread,
                                    struct mallow_trace_event *event) {
    struct trace_model *model = &decoder->model;
    uint64_t last = (uint64_t)thread->stack << 6 | event->kind;
    uint32_t *two = &model->stacks[0][trace_model_hash(last, thread->stack_before)];
    uint32_t *one = &model->stacks[1][trace_model_hash(last, 0)];
    uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_STACK);
    event->stack = code == 0 ? *two : code == 1 ? *one : (uint32_t)(code - 2);
    *two = *one = event->stack;
    thread->stack_before = thread->stack;
    thread->stack = event->stack;
}

static void trace_decoder_get_size(struct trace_decoder *decoder, struct trace_thread_state *thread,
                                   struct mallow_trace_event *event) {
    struct trace_model *model = &decoder->model;
    uint64_t site = (uint64_t)event->stack << 6 | event->kind;
    uint64_t *two = &model->sizes[0][trace_model_hash(site, thread->size)];
    uint64_t *one = &model->sizes[1][trace_model_hash(site, 0)];
    uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_SIZE);
    event->size = code == 0 ? *two : code == 1 ? *one : code - 2;
    *two = *one = thread->size = event->size;
}

static void trace_decoder_get_count(struct trace_decoder *decoder,
                                    struct mallow_trace_event *event) {
    uint64_t *count = &decoder->model.counts[trace_model_hash(event->stack, event->kind)];
    uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_COUNT);
    if (code != 0) *count = code - 1;
    event->count = *count;
}

/* Finds the block that is freed or resized. Returns its class, and stores the allocation that made
 * it, or NULL. */
static uint32_t trace_decoder_get_old(struct trace_decoder *decoder,
                                      struct trace_thread_state *thread,
                                      struct mallow_trace_event *event,
                                      const struct trace_made **made) {
    struct trace_model *model = &decoder->model;
    uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_OLD);
    *made = NULL;
    if (code == TRACE_OLD_NONE) return 0;
    if (code == TRACE_OLD_FAR) {
        model->far += trace_unfold(trace_decoder_get(decoder, TRACE_COLUMN_FAR));
        event->old_address = model->far;
        return (uint32_t)trace_decoder_get(decoder, TRACE_COLUMN_PLACE);
    }
    uint32_t *known =
        &model->ages[trace_model_hash((uint64_t)event->stack << 6 | event->kind, thread->age)];
    uint64_t age = code == TRACE_OLD_PREDICTED ? *known : code - TRACE_OLD_AGE + 1;
    if (age == 0 || age > model->allocations) {
        decoder->columns[TRACE_COLUMN_OLD].failed = true;
        return 0;
    }
    *known = thread->age = (uint32_t)age;
    *made = &model->made[model->allocations - age];
    event->old_address = (*made)->address;
    return (*made)->size_class;
}

static void trace_decoder_get_address(struct trace_decoder *decoder,
                                      struct mallow_trace_event *event, uint64_t bytes) {
    uint32_t size_class = trace_size_class(bytes);
    struct trace_place *place = trace_model_place(&decoder->model, size_class);
    uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_ADDRESS);
    if (code < TRACE_DEPTH) {
        if (code >= place->count)
            decoder->columns[TRACE_COLUMN_ADDRESS].failed = true;
        else
            event->address = trace_place_take(place, (uint32_t)code);
    } else if (code == TRACE_ADDRESS_STRIDE) {
        event->address = place->last + place->stride;
    } else if (code == TRACE_ADDRESS_SAME) {
        event->address = event->old_address;
    } else if (code == TRACE_ADDRESS_RAW) {
        event->address = trace_decoder_get(decoder, TRACE_COLUMN_ADDRESS);
    } else {
        event->address = place->last + trace_unfold(code - TRACE_ADDRESS_DIFFERENCE) * 8;
    }
    trace_model_allocate(&decoder->model, place, event->address, bytes, size_class);
}

static void trace_decoder_get_allocation(struct trace_decoder *decoder,
                                         struct trace_thread_state *thread,
                                         struct mallow_trace_event *event) {
    const struct trace_made *made;
    uint32_t old_class = 0;
    trace_decoder_get_size(decoder, thread, event);
    if (trace_has_count(event->kind)) trace_decoder_get_count(decoder, event);
    if (mallow_trace_is_resize(event->kind))
        old_class = trace_decoder_get_old(decoder, thread, event, &made);
    trace_decoder_get_address(decoder, event, mallow_trace_bytes(event));
    if (event->old_address != 0 && event->old_address != event->address)
        trace_place_give(trace_model_place(&decoder->model, old_class), event->old_address);
}

static void trace_decoder_get_free(struct trace_decoder *decoder, struct trace_thread_state *thread,
                                   struct mallow_trace_event *event) {
    const struct trace_made *made;
    uint32_t size_class = trace_decoder_get_old(decoder, thread, event, &made);
    if (trace_has_size(event->kind)) {
        uint64_t code = trace_decoder_get(decoder, TRACE_COLUMN_SIZE);
        event->size = code != 0 ? code - 1 : made != NULL ? made->size : 0;
    }
    if (trace_has_count(event->kind)) trace_decoder_get_count(decoder, event);
    trace_place_give(trace_model_place(&decoder->model, size_class), event->old_address);
}

static void trace_decoder_get_plain(struct trace_decoder *decoder,
                                    struct mallow_trace_event *event) {
    decoder->model.plain += trace_unfold(trace_decoder_get(decoder, TRACE_COLUMN_PLAIN));
    event->address = decoder->model.plain;
    event->size = trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
    event->count = trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
    event->error = (uint16_t)trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
    event->protection = (uint32_t)trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
    event->flags = (uint32_t)trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
    event->old_address = trace_decoder_get(decoder, TRACE_COLUMN_PLAIN);
}

static bool trace_decoder_has_failed(const struct trace_decoder *decoder) {
    bool failed = false;
    for (unsigned i = 0; i < TRACE_COLUMNS; i++) failed |= decoder->columns[i].failed;
    return failed;
}

bool trace_decoder_next(struct trace_decoder *decoder, struct mallow_trace_event *event) {
    uint8_t kind = trace_cursor_byte(&decoder->columns[TRACE_COLUMN_KIND]);
    bool is_caused = (kind & TRACE_KIND_CAUSED) != 0, is_plain = (kind & TRACE_KIND_PLAIN) != 0;
    if (decoder->model.events == TRACE_GROUP_EVENTS) return false;
    decoder->model.events++;
    *event = (struct mallow_trace_event){.kind = kind & TRACE_KIND_MASK, .is_caused = is_caused};
    event->follows_cause = is_caused && !is_plain && mallow_trace_is_system_call(event->kind);
    trace_decoder_get_thread(decoder);
    struct trace_thread_state *thread = trace_model_thread(&decoder->model);
    trace_decoder_get_time(decoder, thread);
    trace_decoder_get_stack(decoder, thread, event);
    event->thread = decoder->model.thread;
    event->time = decoder->model.time * decoder->resolution;
    if (is_plain || event->follows_cause)
        trace_decoder_get_plain(decoder, event);
    else if (mallow_trace_is_allocation(event->kind))
        trace_decoder_get_allocation(decoder, thread, event);
    else if (mallow_trace_is_free(event->kind))
        trace_decoder_get_free(decoder, thread, event);
    else
        return false;
    return !trace_decoder_has_failed(decoder);
}
