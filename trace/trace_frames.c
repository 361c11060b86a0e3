#include "trace_frames.h"

#include <stdlib.h>

#define FRAMES_ROOM_MIN 1024u

/* Returns the process that executed the program that this one runs. */
static uint32_t frames_image(const struct trace_tables *tables, uint32_t process) {
    while (process != 0 && tables->processes[process - 1].is_fork)
        process = tables->processes[process - 1].parent;
    return process;
}

uint32_t trace_frames_module(const struct trace_tables *tables, uint32_t process,
                             uint64_t address) {
    uint32_t image = frames_image(tables, process);
    for (size_t i = tables->module_count; i-- > 0;) {
        const struct mallow_trace_module *module = &tables->modules[i];
        if (address >= module->start && address < module->end &&
            frames_image(tables, module->process) == image)
            return (uint32_t)(i + 1);
    }
    return 0;
}

static size_t frames_home(const struct trace_frames *frames,
                          const struct mallow_trace_frame *frame) {
    uint64_t hash = (frame->pc ^ (uint64_t)frame->module << 48) * 0x9e3779b97f4a7c15u;
    hash = (hash ^ frame->caller) * 0xff51afd7ed558ccdu;
    return (size_t)(hash >> (64 - (unsigned)__builtin_ctzll(frames->room)));
}

static uint32_t *frames_find(const struct trace_frames *frames, const struct trace_tables *tables,
                             const struct mallow_trace_frame *frame) {
    size_t index = frames_home(frames, frame);
    for (;; index = (index + 1) & (frames->room - 1)) {
        uint32_t number = frames->numbers[index];
        if (number == 0) return &frames->numbers[index];
        const struct mallow_trace_frame *other = &tables->frames[number - 1];
        if (other->pc == frame->pc && other->caller == frame->caller &&
            other->module == frame->module && other->symbol == frame->symbol)
            return &frames->numbers[index];
    }
}

static bool frames_grow(struct trace_frames *frames, const struct trace_tables *tables) {
    struct trace_frames larger = {.room = frames->room == 0 ? FRAMES_ROOM_MIN : frames->room * 2};
    larger.numbers = calloc(larger.room, sizeof *larger.numbers);
    if (larger.numbers == NULL) return false;
    for (size_t i = 0; i < tables->frame_count; i++)
        *frames_find(&larger, tables, &tables->frames[i]) = (uint32_t)(i + 1);
    free(frames->numbers);
    *frames = larger;
    return true;
}

uint32_t *trace_frames_place(struct trace_frames *frames, const struct trace_tables *tables,
                             const struct mallow_trace_frame *frame) {
    if (tables->frame_count >= frames->room / 2 && !frames_grow(frames, tables)) return NULL;
    return frames_find(frames, tables, frame);
}
