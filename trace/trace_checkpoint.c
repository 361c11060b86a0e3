#include "trace_checkpoint.h"

#include <stdlib.h>
#include <string.h>

#define CHECKPOINT_SITES 4096u

struct checkpoint_key {
    uint64_t event;
    size_t index;
};

/* The block before, and the last size of each stack. */
struct checkpoint_state {
    struct mallow_trace_block last;
    uint64_t sizes[CHECKPOINT_SITES];
};

static uint64_t *checkpoint_size(struct checkpoint_state *state, uint32_t stack) {
    return &state->sizes[stack % CHECKPOINT_SITES];
}

/* Sorts by a byte of the events. */
static void checkpoint_sort_by(const struct checkpoint_key *from, struct checkpoint_key *to,
                               size_t count, unsigned shift) {
    size_t ends[257] = {0};
    for (size_t i = 0; i < count; i++) ends[(from[i].event >> shift & 255) + 1]++;
    for (unsigned i = 1; i < 257; i++) ends[i] += ends[i - 1];
    for (size_t i = 0; i < count; i++) to[ends[from[i].event >> shift & 255]++] = from[i];
}

/* Returns the live blocks by event, which the caller frees, or NULL. */
static struct checkpoint_key *checkpoint_sort(const struct trace_live *live) {
    struct checkpoint_key *keys = calloc(live->count + 1, 2 * sizeof *keys);
    if (keys == NULL) return NULL;
    struct checkpoint_key *from = keys, *to = keys + live->count;
    uint64_t last = 0;
    size_t count = 0;
    for (size_t i = 0; i < live->room; i++) {
        if (live->blocks[i].event == TRACE_NO_EVENT) continue;
        from[count++] = (struct checkpoint_key){live->blocks[i].event, i};
        if (live->blocks[i].event > last) last = live->blocks[i].event;
    }
    for (unsigned shift = 0; shift < 64 && last >> shift != 0; shift += 8) {
        checkpoint_sort_by(from, to, count, shift);
        struct checkpoint_key *sorted = to;
        to = from;
        from = sorted;
    }
    if (from != keys) memcpy(keys, from, count * sizeof *keys);
    return keys;
}

static void checkpoint_put(struct checkpoint_state *state, const struct mallow_trace_block *block,
                           uint32_t resolution,
                           struct trace_bytes columns[TRACE_CHECKPOINT_COLUMNS]) {
    const struct mallow_trace_block *last = &state->last;
    uint64_t *size = checkpoint_size(state, block->stack);
    const uint64_t numbers[TRACE_CHECKPOINT_COLUMNS] = {
        [TRACE_CHECKPOINT_EVENT] = block->event - last->event,
        [TRACE_CHECKPOINT_TIME] = trace_fold((block->time - last->time) / resolution),
        [TRACE_CHECKPOINT_THREAD] = trace_fold((uint64_t)block->thread - last->thread),
        [TRACE_CHECKPOINT_PROCESS] = trace_fold((uint64_t)block->process - last->process),
        [TRACE_CHECKPOINT_KIND] = block->kind,
        [TRACE_CHECKPOINT_STACK] = trace_fold((uint64_t)block->stack - last->stack),
        [TRACE_CHECKPOINT_SIZE] = block->size == *size ? 0 : block->size + 1,
        [TRACE_CHECKPOINT_ADDRESS] = trace_fold(block->address - last->address),
    };
    for (unsigned i = 0; i < TRACE_CHECKPOINT_COLUMNS; i++)
        trace_bytes_put(&columns[i], numbers[i]);
    *size = block->size;
    state->last = *block;
}

bool trace_checkpoint_encode(const struct trace_live *live, uint32_t resolution,
                             struct trace_bytes columns[TRACE_CHECKPOINT_COLUMNS]) {
    struct checkpoint_state *state = calloc(1, sizeof *state);
    struct checkpoint_key *keys = checkpoint_sort(live);
    bool done = state != NULL && keys != NULL;
    for (size_t i = 0; i < live->count && done; i++) {
        for (unsigned column = 0; column < TRACE_CHECKPOINT_COLUMNS; column++)
            done = done && trace_bytes_reserve(&columns[column], TRACE_NUMBER_MAX);
        if (done) checkpoint_put(state, &live->blocks[keys[i].index], resolution, columns);
    }
    free(keys);
    free(state);
    return done;
}

/* Reads the block after the last one. */
static void checkpoint_get(struct checkpoint_state *state, uint32_t resolution,
                           struct trace_cursor columns[TRACE_CHECKPOINT_COLUMNS]) {
    struct mallow_trace_block *block = &state->last;
    uint64_t numbers[TRACE_CHECKPOINT_COLUMNS] = {0};
    for (unsigned i = 0; i < TRACE_CHECKPOINT_COLUMNS; i++)
        numbers[i] = trace_cursor_number(&columns[i]);
    block->event += numbers[TRACE_CHECKPOINT_EVENT];
    block->time += trace_unfold(numbers[TRACE_CHECKPOINT_TIME]) * resolution;
    block->thread += (uint32_t)trace_unfold(numbers[TRACE_CHECKPOINT_THREAD]);
    block->process += (uint32_t)trace_unfold(numbers[TRACE_CHECKPOINT_PROCESS]);
    block->kind = (uint8_t)numbers[TRACE_CHECKPOINT_KIND];
    block->stack += (uint32_t)trace_unfold(numbers[TRACE_CHECKPOINT_STACK]);
    uint64_t *size = checkpoint_size(state, block->stack);
    if (numbers[TRACE_CHECKPOINT_SIZE] != 0) *size = numbers[TRACE_CHECKPOINT_SIZE] - 1;
    block->size = *size;
    block->address += trace_unfold(numbers[TRACE_CHECKPOINT_ADDRESS]);
}

bool trace_checkpoint_decode(struct trace_live *live, uint64_t count, uint32_t resolution,
                             struct trace_cursor columns[TRACE_CHECKPOINT_COLUMNS]) {
    struct checkpoint_state *state = calloc(1, sizeof *state);
    bool done = state != NULL;
    for (uint64_t i = 0; i < count && done; i++) {
        checkpoint_get(state, resolution, columns);
        for (unsigned column = 0; column < TRACE_CHECKPOINT_COLUMNS; column++)
            done = done && !columns[column].failed;
        done = done && state->last.event != TRACE_NO_EVENT && trace_live_add(live, &state->last);
    }
    free(state);
    return done;
}
