#include "workload.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

static uint64_t random_number(struct workload *workload, uint64_t below) {
    workload->random ^= workload->random << 13;
    workload->random ^= workload->random >> 7;
    workload->random ^= workload->random << 17;
    return workload->random % below;
}

struct workload workload_begin(uint64_t seed, uint32_t processes, size_t limit) {
    struct workload workload = {.random = seed * 2654435761u + 88172645463325252u,
                                .bump = 0x7f0000000000,
                                .processes = processes,
                                .limit = limit};
    workload.live = calloc(limit + 1, sizeof *workload.live);
    assert(workload.live != NULL);
    return workload;
}

void workload_end(struct workload *workload) { free(workload->live); }

static uint32_t process_of(const struct workload *workload, uint32_t thread) {
    return (thread - 1) % workload->processes + 1;
}

static uint64_t random_size(struct workload *workload) {
    switch (random_number(workload, 20)) {
    case 0:
        return 0;
    case 1:
        return random_number(workload, 100000);
    case 2:
        return random_number(workload, (uint64_t)1 << 40);
    default:
        return 1 + random_number(workload, 200);
    }
}

static uint64_t new_address(struct workload *workload, uint64_t size) {
    if (workload->freed_count != 0 && random_number(workload, 4) != 0)
        return workload->freed[--workload->freed_count];
    workload->bump += 16;
    if (random_number(workload, 50) == 0) workload->bump += random_number(workload, 1 << 20);
    return workload->bump += size < 4096 ? size & ~7u : 0;
}

static void give_back(struct workload *workload, uint64_t address) {
    if (workload->freed_count < 64) workload->freed[workload->freed_count++] = address;
}

static void allocate(struct workload *workload, struct mallow_trace_event *event, uint64_t number) {
    event->size = random_size(workload);
    if (event->kind == MALLOW_TRACE_CALLOC || event->kind == MALLOW_TRACE_REALLOCARRAY) {
        event->size %= 1000;
        event->count = random_number(workload, 30);
    } else if (event->kind > MALLOW_TRACE_REALLOCARRAY && event->kind < MALLOW_TRACE_VALLOC) {
        event->count = (uint64_t)16 << random_number(workload, 9);
    }
    if (random_number(workload, 100) == 0) {
        event->error = ENOMEM;
        return;
    }
    event->address = new_address(workload, mallow_trace_bytes(event));
    workload->live[workload->count++] = (struct workload_block){.address = event->address,
                                                                .size = mallow_trace_bytes(event),
                                                                .event = number,
                                                                .process = event->process,
                                                                .stack = event->stack};
}

/* Takes a live block of the process, mostly a new one. Returns false if it finds none. */
static bool take(struct workload *workload, uint32_t process, struct workload_block *block) {
    for (unsigned attempt = 0; attempt < 8 && workload->count != 0; attempt++) {
        size_t age = random_number(workload, random_number(workload, 3) == 0 ? workload->count : 6);
        if (age >= workload->count) continue;
        size_t index = workload->count - 1 - age;
        if (workload->live[index].process != process) continue;
        *block = workload->live[index];
        workload->live[index] = workload->live[--workload->count];
        return true;
    }
    return false;
}

static void release(struct workload *workload, struct mallow_trace_event *event) {
    struct workload_block block;
    if (!take(workload, event->process, &block)) {
        event->kind = MALLOW_TRACE_RESIDENT;
        event->size = random_number(workload, (uint64_t)1 << 33);
        return;
    }
    event->old_address = block.address;
    if (event->kind != MALLOW_TRACE_FREE) event->size = block.size;
    if (event->kind == MALLOW_TRACE_FREE_ALIGNED_SIZED) event->count = 64;
    give_back(workload, block.address);
}

static void resize(struct workload *workload, struct mallow_trace_event *event, uint64_t number) {
    struct workload_block block;
    if (!take(workload, event->process, &block)) {
        allocate(workload, event, number); /* realloc(NULL, size) */
        return;
    }
    event->old_address = block.address;
    event->size = random_size(workload);
    event->count = event->kind == MALLOW_TRACE_REALLOCARRAY;
    if (random_number(workload, 10) == 0) { /* realloc(block, 0) */
        event->size = 0;
        return;
    }
    if (event->size == 0 || random_number(workload, 10) == 0) {
        event->size += event->size == 0;
        event->error = ENOMEM;
        workload->live[workload->count++] = block;
        return;
    }
    event->address = random_number(workload, 2) == 0 ? block.address : new_address(workload, 0);
    workload->live[workload->count++] = (struct workload_block){.address = event->address,
                                                                .size = event->size,
                                                                .event = number,
                                                                .process = event->process,
                                                                .stack = event->stack};
    if (event->address != block.address) give_back(workload, block.address);
}

static void call_system(struct workload *workload, struct mallow_trace_event *event) {
    event->kind = (uint8_t)(MALLOW_TRACE_MMAP + random_number(workload, 6));
    event->is_caused = random_number(workload, 2) == 0;
    event->follows_cause = event->is_caused && random_number(workload, 2) == 0;
    event->address = random_number(workload, (uint64_t)1 << 47) & ~4095u;
    event->old_address = random_number(workload, 2) == 0 ? 0 : event->address;
    event->size = random_number(workload, 1 << 30) & ~4095u;
    event->count = random_number(workload, 3);
    event->protection = (uint32_t)random_number(workload, 8);
    event->flags = (uint32_t)random_number(workload, 1 << 20);
    if (random_number(workload, 10) == 0) event->error = EAGAIN;
}

struct mallow_trace_event workload_next(struct workload *workload, uint64_t number) {
    static const uint8_t allocations[] = {
        MALLOW_TRACE_MALLOC,         MALLOW_TRACE_CALLOC,   MALLOW_TRACE_ALIGNED_ALLOC,
        MALLOW_TRACE_POSIX_MEMALIGN, MALLOW_TRACE_MEMALIGN, MALLOW_TRACE_VALLOC,
        MALLOW_TRACE_PVALLOC,        MALLOW_TRACE_NEW,      MALLOW_TRACE_NEW_ARRAY};
    static const uint8_t frees[] = {MALLOW_TRACE_FREE, MALLOW_TRACE_FREE_SIZED,
                                    MALLOW_TRACE_FREE_ALIGNED_SIZED, MALLOW_TRACE_DELETE,
                                    MALLOW_TRACE_DELETE_ARRAY};
    struct mallow_trace_event event = {
        .thread = 1 + (uint32_t)random_number(workload, number % 1000 < 500 ? 1 : WORKLOAD_THREADS),
        .stack = (uint32_t)random_number(workload, WORKLOAD_STACKS)};
    event.process = process_of(workload, event.thread);
    workload->time += random_number(workload, 3000);
    event.time = workload->time - workload->time % 100;
    uint64_t choice = random_number(workload, 100);
    bool is_full = workload->count >= workload->limit;
    if (choice < 3) {
        call_system(workload, &event);
    } else if (choice < 10) {
        event.kind = choice < 8 ? MALLOW_TRACE_REALLOC : MALLOW_TRACE_REALLOCARRAY;
        if (is_full) event.kind = MALLOW_TRACE_FREE;
        if (is_full)
            release(workload, &event);
        else
            resize(workload, &event, number);
    } else if (choice < 60 && !is_full) {
        event.kind = allocations[random_number(workload, 40) % 9 * (choice % 3 == 0)];
        allocate(workload, &event, number);
    } else {
        event.kind = frees[random_number(workload, 5) * (choice % 3 == 0)];
        release(workload, &event);
    }
    return event;
}
