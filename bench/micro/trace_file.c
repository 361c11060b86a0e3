/* Writes and reads a trace of a program that does not exist; bench/trace-file builds and runs it.
 */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>

#include "trace_writer.h"

#define THREADS 4u
#define SITES 600u
#define DEPTH 12u                  /* frames of each stack */
#define CALENDAR ((size_t)1 << 23) /* events until the last block is freed */
#define REQUEST 2000u              /* events of a request */
#define CLASSES 513u
#define PLACES 40u /* that are opened */

struct block {
    uint64_t address;
    uint32_t size, site;
    uint32_t next; /* in its list */
};

static struct trace_writer *writer;
static struct block *blocks;
static uint32_t *calendar, *spare; /* the blocks that an event frees; unused blocks */
static size_t spare_count;
static uint32_t waiting;        /* blocks that are freed next */
static uint32_t freed[CLASSES]; /* blocks whose addresses are used again */
static uint32_t stacks[SITES];
static uint64_t bump = 0x7f0000000000, seed = 88172645463325252u, sequence;

static uint64_t random_number(uint64_t below) {
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

static double seconds(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/* Half of the sites have blocks of one size. */
static uint32_t choose_size(uint32_t site) {
    uint32_t base = 16 + site * site % 397;
    return site % 2 == 0 ? base : base + (uint32_t)random_number(base * (site % 32 == 1 ? 16 : 2));
}

/* A third of the blocks is temporary, most others live until a request ends, and a few stay. */
static uint64_t choose_end(uint64_t number, uint32_t site, uint64_t longest) {
    if (site % 3 == 0) return number + 1 + site % 5;
    if (site % 7 != 1) return (number / REQUEST + 1) * REQUEST;
    return number + 1 + random_number(longest);
}

static void add(uint64_t number, uint8_t kind, const struct block *block) {
    struct mallow_trace_event event = {.kind = kind,
                                       .time = number * 70,
                                       .thread = 1 + (uint32_t)(number >> 7) % THREADS,
                                       .stack = stacks[block->site]};
    if (kind == MALLOW_TRACE_MALLOC) {
        event.address = block->address;
        event.size = block->size;
    } else {
        event.old_address = block->address;
    }
    if (!trace_writer_add(writer, &event)) errx(1, "%s", trace_writer_error(writer));
}

/* Adds the blocks whose time has come to those that wait. */
static void collect(uint64_t number) {
    uint32_t *list = &calendar[number % CALENDAR], last = *list;
    if (last == 0) return;
    while (blocks[last].next != 0) last = blocks[last].next;
    blocks[last].next = waiting;
    waiting = *list;
    *list = 0;
}

/* An event frees one block, and the others wait. */
static void release(uint64_t number) {
    struct block *block = &blocks[waiting];
    uint32_t *list = &freed[(block->size + 15) / 16], index = waiting;
    waiting = block->next;
    add(number, MALLOW_TRACE_FREE, block);
    block->next = *list;
    *list = index;
}

static void allocate(uint64_t number, uint64_t longest) {
    sequence = random_number(12) == 0 ? random_number(SITES) : sequence * 7 % SITES + 1;
    uint32_t site = (uint32_t)(sequence % SITES), size = choose_size(site);
    uint32_t size_class = (size + 15) / 16, index = freed[size_class];
    if (index != 0) {
        freed[size_class] = blocks[index].next;
    } else {
        if (spare_count == 0) errx(1, "too many live blocks");
        index = spare[--spare_count];
        blocks[index].address = bump;
        bump += size_class * 16;
    }
    uint64_t end = choose_end(number, site, longest);
    blocks[index].size = size;
    blocks[index].site = site;
    blocks[index].next = calendar[end % CALENDAR];
    calendar[end % CALENDAR] = index;
    add(number, MALLOW_TRACE_MALLOC, &blocks[index]);
}

static void describe_program(void) {
    uint32_t process = trace_writer_process(
        writer, &(struct mallow_trace_process){.pid = 1, .program = "/p", .arguments = ""});
    for (uint32_t i = 0; i < THREADS; i++)
        trace_writer_thread(
            writer, &(struct mallow_trace_thread){.process = process, .tid = 1 + i, .name = ""});
    for (uint32_t site = 0; site < SITES; site++)
        for (uint32_t depth = 0; depth < DEPTH; depth++)
            stacks[site] = trace_writer_frame(writer, process, depth == 0 ? 0 : stacks[site],
                                              0x400000 + (depth + 1 == DEPTH ? site : depth) * 64);
}

static void write_trace(const char *path, uint64_t events, uint64_t longest) {
    size_t most = (size_t)1 << 22;
    blocks = calloc(most, sizeof *blocks);
    calendar = calloc(CALENDAR, sizeof *calendar);
    spare = calloc(most, sizeof *spare);
    writer = trace_writer_create(
        path, &(struct mallow_trace_facts){
                  .allocator = "", .machine = "", .recorder = "bench", .has_stacks = true});
    if (blocks == NULL || calendar == NULL || spare == NULL || writer == NULL)
        errx(1, "out of memory");
    for (size_t i = most; i-- > 1;) spare[spare_count++] = (uint32_t)i;
    describe_program();
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    for (uint64_t number = 0; number < events; number++) {
        collect(number);
        if (waiting != 0)
            release(number);
        else
            allocate(number, longest);
    }
    char *error = trace_writer_close(writer);
    if (error != NULL) errx(1, "%s", error);
    double time = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    struct stat status;
    if (stat(path, &status) != 0) err(1, "%s", path);
    printf("written: %.1f million events/s, %.2f bytes/event\n", (double)events / time / 1e6,
           (double)status.st_size / (double)events);
}

static struct mallow_trace *open_trace(const char *path, unsigned flags) {
    struct mallow_trace *trace = mallow_trace_open(path, flags);
    if (mallow_trace_error(trace) != NULL) errx(1, "%s", mallow_trace_error(trace));
    return trace;
}

/* Returns the processor time of an event in nanoseconds. */
static double read_trace(const char *path, unsigned flags) {
    double begin = seconds(CLOCK_PROCESS_CPUTIME_ID);
    struct mallow_trace *trace = open_trace(path, flags);
    uint64_t bytes = 0, count = 0, live = 0;
    const struct mallow_trace_event *event;
    for (; (event = mallow_trace_next(trace)) != NULL; count++) {
        bytes += event->size;
        if (mallow_trace_live_blocks(trace) > live) live = mallow_trace_live_blocks(trace);
    }
    if (mallow_trace_error(trace) != NULL || mallow_trace_damage(trace) != NULL)
        errx(1, "%s is damaged", path);
    mallow_trace_close(trace);
    double time = seconds(CLOCK_PROCESS_CPUTIME_ID) - begin;
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf(
        "read%s: %.1f million events/s; %llu events, %llu MB requested, %llu live, peak %ld MiB\n",
        flags == 0 ? "" : " with live blocks", (double)count / time / 1e6,
        (unsigned long long)count, (unsigned long long)bytes / 1000000, (unsigned long long)live,
        usage.ru_maxrss / 1024);
    return time / (double)count * 1e9;
}

/* Returns the longest time that it takes to open the file at one of several places. */
static double open_places(const char *path) {
    double longest = 0;
    for (unsigned i = 0; i < PLACES; i++) {
        double begin = seconds(CLOCK_MONOTONIC);
        struct mallow_trace *trace = open_trace(path, MALLOW_TRACE_LIVE);
        uint64_t events = mallow_trace_events(trace);
        if (!mallow_trace_seek(trace, i == 0 ? events - 1 : random_number(events)) ||
            mallow_trace_next(trace) == NULL)
            errx(1, "%s is damaged", path);
        double time = seconds(CLOCK_MONOTONIC) - begin;
        mallow_trace_close(trace);
        if (time > longest) longest = time;
    }
    printf("opened at %u places: at most %.2f s\n", PLACES, longest);
    return longest;
}

int main(int argc, char **argv) {
    if (argc == 5 && strcmp(argv[1], "write") == 0) {
        write_trace(argv[2], strtoull(argv[3], NULL, 10), strtoull(argv[4], NULL, 10));
        return 0;
    }
    if (argc != 3) errx(2, "usage: trace_file write FILE EVENTS LONGEST | trace_file read FILE");
    bool is_slow = read_trace(argv[2], 0) > 100;
    is_slow |= read_trace(argv[2], MALLOW_TRACE_LIVE) > 100;
    is_slow |= open_places(argv[2]) > 5;
    return is_slow;
}
