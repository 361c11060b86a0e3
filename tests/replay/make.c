/*
 * Writes traces for the tests of `mallow replay`.
 *
 * Usage: replay_make FILE SEED THREADS EVENTS [ALLOCATOR [RESIDENT-FACTOR]]
 *
 * Threads allocate, resize and free at random, a quarter of the blocks in another thread than
 * before. Some threads end early, and others begin. RESIDENT-FACTOR is a percentage of what a
 * perfect allocator would take; 0: the trace has no resident memory.
 */
#include <err.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "mallow/trace.h"
#include "trace_writer.h"

#define LIVE_MAX 20000
#define BASE_BYTES 1000000u

static struct trace_writer *writer;
static uint64_t state, now, next_address = 0x10000000, live_bytes;
static struct block {
    uint64_t address, size;
    uint32_t thread;
    uint8_t kind; /* of its allocation */
    uint64_t alignment;
} live[LIVE_MAX];
static size_t live_count;

static uint64_t pick(uint64_t below) {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state % below;
}

static void add(struct mallow_trace_event event) {
    event.time = now += 1000 + pick(2000);
    if (!trace_writer_add(writer, &event)) errx(1, "%s", trace_writer_error(writer));
}

static uint64_t pick_size(void) {
    uint64_t kind = pick(100);
    return kind < 90 ? pick(300) : kind < 99 ? pick(20000) : pick(1 << 20);
}

static void allocate(uint32_t thread) {
    static const uint8_t kinds[] = {MALLOW_TRACE_MALLOC,         MALLOW_TRACE_MALLOC,
                                    MALLOW_TRACE_CALLOC,         MALLOW_TRACE_REALLOC,
                                    MALLOW_TRACE_POSIX_MEMALIGN, MALLOW_TRACE_NEW};
    struct mallow_trace_event event = {
        .kind = kinds[pick(6)], .thread = thread, .address = next_address, .size = pick_size()};
    if (event.kind == MALLOW_TRACE_CALLOC) event.count = 1 + pick(3);
    if (event.kind == MALLOW_TRACE_POSIX_MEMALIGN) event.count = (uint64_t)32 << pick(8);
    uint64_t size = mallow_trace_bytes(&event);
    next_address += (size + 31) & ~(uint64_t)15;
    live[live_count++] =
        (struct block){event.address, size, thread, event.kind,
                       event.kind == MALLOW_TRACE_POSIX_MEMALIGN ? event.count : 0};
    live_bytes += size;
    add(event);
}

static void resize(uint32_t thread, struct block *block) {
    uint64_t size = 1 + pick_size();
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_REALLOC,
                                    .thread = thread,
                                    .old_address = block->address,
                                    .address = next_address,
                                    .size = size});
    live_bytes += size - block->size;
    *block = (struct block){next_address, size, thread, MALLOW_TRACE_REALLOC, 0};
    next_address += (size + 31) & ~(uint64_t)15;
}

static void release(uint32_t thread, size_t index) {
    struct block block = live[index];
    live[index] = live[--live_count];
    live_bytes -= block.size;
    uint8_t kind = block.kind == MALLOW_TRACE_NEW ? MALLOW_TRACE_DELETE
                   : pick(4) != 0                 ? MALLOW_TRACE_FREE
                   : block.alignment != 0         ? MALLOW_TRACE_FREE_ALIGNED_SIZED
                                                  : MALLOW_TRACE_FREE_SIZED;
    add((struct mallow_trace_event){
        .kind = kind,
        .thread = thread,
        .old_address = block.address,
        .size = kind == MALLOW_TRACE_FREE ? 0 : block.size,
        .count = kind == MALLOW_TRACE_FREE_ALIGNED_SIZED ? block.alignment : 0});
}

static void act(uint32_t thread) {
    size_t index = live_count == 0 ? 0 : pick(live_count);
    bool is_own = live_count != 0 && live[index].thread == thread;
    uint64_t what = pick(100);
    if (live_count < LIVE_MAX && (live_count == 0 || what < 52))
        allocate(thread);
    else if (what < 60 && live[index].kind != MALLOW_TRACE_NEW && live[index].alignment == 0 &&
             is_own)
        resize(thread, &live[index]);
    else
        release(thread, index);
}

static uint32_t begin_thread(uint32_t process, uint32_t tid) {
    const struct mallow_trace_thread thread = {.process = process, .tid = tid, .name = "t"};
    uint32_t number = trace_writer_thread(writer, &thread);
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_THREAD_START, .thread = number});
    return number;
}

static void run(uint32_t process, uint32_t threads, uint64_t events, uint64_t factor) {
    uint32_t numbers[64], tid = 100;
    for (uint32_t i = 0; i < threads; i++) numbers[i] = begin_thread(process, tid++);
    for (uint64_t i = 0; i < events; i++) {
        uint32_t k = (uint32_t)pick(threads);
        act(numbers[k]);
        if (k != 0 && pick(events / 8 + 1) == 0) {
            add((struct mallow_trace_event){.kind = MALLOW_TRACE_THREAD_END, .thread = numbers[k]});
            numbers[k] = begin_thread(process, tid++);
        }
        if (factor == 0 || i % 500 != 0) continue;
        uint64_t anonymous = BASE_BYTES + live_bytes * factor / 100;
        add((struct mallow_trace_event){.kind = MALLOW_TRACE_RESIDENT,
                                        .thread = numbers[0],
                                        .size = anonymous + 2000000,
                                        .count = anonymous});
    }
}

int main(int argc, char **argv) {
    if (argc < 5) errx(1, "see the source");
    state = strtoull(argv[2], NULL, 10) * 2654435761u + 88172645463325252u;
    const struct mallow_trace_facts facts = {.allocator = argc > 5 ? argv[5] : "",
                                             .machine = "test",
                                             .recorder = "test",
                                             .page_size = 4096,
                                             .processors = 1};
    const struct mallow_trace_process process = {.pid = 100, .program = "test", .arguments = ""};
    writer = trace_writer_create(argv[1], &facts);
    run(trace_writer_process(writer, &process), (uint32_t)strtoul(argv[3], NULL, 10),
        strtoull(argv[4], NULL, 10), argc > 6 ? strtoull(argv[6], NULL, 10) : 0);
    char *error = trace_writer_close(writer);
    if (error != NULL) errx(1, "%s", error);
    return 0;
}
