/*
 * Writes a trace of a program that does not exist, for what `mallow run --trace` records seldom.
 *
 * Usage: write SITUATION FILE
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "trace_writer.h"

#define BLOCK 0x10000000u

static struct trace_writer *writer;
static uint32_t process, thread, main_frame;
static uint64_t now;

/* Returns a frame of a function that main calls. */
static uint32_t frame(uint64_t pc) { return trace_writer_frame(writer, process, main_frame, pc); }

static void add(struct mallow_trace_event event) {
    event.thread = event.thread == 0 ? thread : event.thread;
    event.time = now += 1000;
    if (!trace_writer_add(writer, &event)) errx(1, "%s", trace_writer_error(writer));
}

static void allocate(uint64_t address, uint64_t size, uint64_t pc) {
    add((struct mallow_trace_event){
        .kind = MALLOW_TRACE_MALLOC, .address = address, .size = size, .stack = frame(pc)});
}

static void release(uint64_t address, uint64_t pc) {
    add((struct mallow_trace_event){
        .kind = MALLOW_TRACE_FREE, .old_address = address, .stack = frame(pc)});
}

static void advise(uint64_t address, uint64_t size, int advice, int error) {
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_MADVISE,
                                    .address = address,
                                    .size = size,
                                    .flags = (uint32_t)advice,
                                    .error = (uint16_t)error});
}

static void protect(uint64_t address, uint64_t size, bool is_caused) {
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_MPROTECT,
                                    .address = address,
                                    .size = size,
                                    .protection = PROT_READ,
                                    .is_caused = is_caused});
}

/* ---- situations ---- */

static void situation_secret(void) {
    allocate(BLOCK, 4096, 0x1000);
    allocate(BLOCK + 0x10010, 10000, 0x2000);
    allocate(BLOCK + 0x20000, 4096, 0x3000);
    advise(BLOCK, 4096, MADV_DONTDUMP, 0);
    advise(BLOCK + 0x11000, 4096, MADV_WIPEONFORK, 0); /* a page inside a block */
    advise(BLOCK + 0x20000, 4096, MADV_DONTDUMP, EINVAL);
    release(BLOCK, 0x4000);
    advise(BLOCK, 4096, MADV_DONTDUMP, 0); /* not a block any more */
    allocate(BLOCK, 4096, 0x5000);
}

static void situation_mapping(void) {
    allocate(BLOCK, 8192, 0x1000);
    allocate(BLOCK + 0x10000, 8192, 0x2000);
    allocate(BLOCK + 0x20000, 8192, 0x3000);
    protect(BLOCK, 4096, false);
    protect(BLOCK + 0x20000, 4096, true); /* by the allocator */
    advise(BLOCK + 0x10000, 8192, MADV_DONTNEED, 0);
}

/* Frees are missing: addresses are used again without one. */
static void situation_lost(void) {
    for (int i = 0; i < 5000; i++) {
        allocate(BLOCK, 100, 0x1000);
        if (i % 2 == 0) release(BLOCK, 0x1010);
    }
}

/* A child frees the blocks of its parent, which has them nevertheless. */
static void situation_fork(void) {
    struct mallow_trace_process child = {
        .pid = 2, .parent = process, .is_fork = true, .program = "", .arguments = ""};
    for (uint64_t i = 0; i < 5000; i++) allocate(BLOCK + i * 112, 100, 0x1000);
    uint32_t number = trace_writer_process(writer, &child);
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_FORK, .count = number});
    uint32_t other = trace_writer_thread(
        writer, &(struct mallow_trace_thread){.process = number, .tid = 2, .name = ""});
    for (uint64_t i = 0; i < 5000; i++)
        add((struct mallow_trace_event){.kind = MALLOW_TRACE_FREE,
                                        .thread = other,
                                        .old_address = BLOCK + i * 112,
                                        .stack = frame(0x1010)});
    add((struct mallow_trace_event){.kind = MALLOW_TRACE_EXIT, .thread = other});
    for (uint64_t i = 0; i < 5000; i++) {
        release(BLOCK + i * 112, 0x2000);
        allocate(BLOCK + (i * 77 + 5000) * 112, 200, 0x3000);
    }
}

/* One thread frees what another one has allocated in the same function. */
static void situation_threads(void) {
    uint32_t other = trace_writer_thread(
        writer, &(struct mallow_trace_thread){.process = process, .tid = 2, .name = ""});
    for (int i = 0; i < 5000; i++) {
        allocate(BLOCK, 100, 0x1000);
        add((struct mallow_trace_event){.kind = MALLOW_TRACE_FREE,
                                        .thread = other,
                                        .old_address = BLOCK,
                                        .stack = frame(0x1010)});
    }
}

/* The functions of the blocks are unknown. */
static void situation_unknown(void) {
    for (int i = 0; i < 5000; i++) {
        add((struct mallow_trace_event){
            .kind = MALLOW_TRACE_MALLOC, .address = BLOCK, .size = 100});
        add((struct mallow_trace_event){.kind = MALLOW_TRACE_FREE, .old_address = BLOCK});
    }
}

static const struct {
    const char *name;
    void (*write)(void);
} situations[] = {
    {"secret", situation_secret},    {"mapping", situation_mapping}, {"lost", situation_lost},
    {"fork", situation_fork},        {"unknown", situation_unknown}, {"nothing", NULL},
    {"no_stacks", situation_secret}, {"threads", situation_threads},
};

int main(int argc, char **argv) {
    if (argc != 3) errx(2, "usage: write SITUATION FILE");
    struct mallow_trace_facts facts = {.allocator = "mallow",
                                       .machine = "",
                                       .recorder = "test",
                                       .page_size = 4096,
                                       .has_stacks = strcmp(argv[1], "no_stacks") != 0};
    writer = trace_writer_create(argv[2], &facts);
    struct mallow_trace_process of = {.pid = 1, .program = "", .arguments = ""};
    process = trace_writer_process(writer, &of);
    thread = trace_writer_thread(
        writer, &(struct mallow_trace_thread){.process = process, .tid = 1, .name = ""});
    main_frame = trace_writer_frame(writer, process, 0, 0x900);
    bool is_known = false;
    for (size_t i = 0; i < sizeof situations / sizeof *situations; i++) {
        if (strcmp(argv[1], situations[i].name) != 0) continue;
        is_known = true;
        if (situations[i].write != NULL) situations[i].write();
    }
    if (!is_known) errx(2, "unknown situation %s", argv[1]);
    char *error = trace_writer_close(writer);
    if (error != NULL) errx(1, "%s", error);
    return 0;
}
