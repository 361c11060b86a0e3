/*
 * workloads --list           prints names and meanings, one per line, separated by a tab
 * workloads --provider       prints the file whose malloc this process uses
 * workloads NAME [SCALE]     performs a workload, with SCALE times its usual number of steps
 */
#include "bench.h"
#include "workloads.h"

#include <dlfcn.h>

static const struct magazine_entry {
    const char *name;
    workload *perform;
    size_t steps;
    const char *meaning;
} entries[] = {
    {"pairs", pairs, 80000000, "same-size malloc and free in turn"},
    {"batch-fifo", batch_fifo, 20000000, "batches freed in order"},
    {"batch-lifo", batch_lifo, 20000000, "batches freed in reverse"},
    {"batch-random", batch_random, 15000000, "batches freed at random"},
    {"batch-one-fifo", batch_one_fifo, 20000000, "batches of one size freed in order"},
    {"batch-one-lifo", batch_one_lifo, 20000000, "batches of one size freed in reverse"},
    {"batch-mixed", batch_mixed, 30000000, "small batches of small mixed sizes"},
    {"replace", replace, 16000000, "random replacement, mixed sizes"},
    {"classes", classes, 6000000, "random replacement, 2 to 32 KiB, four threads"},
    {"small-heap", small_heap, 3000, "3 MiB of blocks in many size classes"},
    {"tree", tree, 300, "binary trees built and torn down"},
    {"list", list, 50, "lists with payloads built, filtered, torn down"},
    {"hash", hash, 32, "hash maps built, changed, torn down"},
    {"server", server, 1000000, "long sessions, short requests, two threads"},
    {"handoff", handoff, 7500000, "one thread allocates, the other frees"},
    {"producers", producers, 24000000, "threads that only allocate, others that only free"},
    {"ring", ring, 8000000, "blocks travel around a ring of threads"},
    {"many-threads", many_threads, 160, "64 threads with few blocks each"},
    {"thread-churn", thread_churn, 16000, "short-lived threads"},
    {"succession-2", succession_2, 16000000, "two threads at a time hand over to successors"},
    {"succession-16", succession_16, 16000000, "sixteen threads at a time hand over"},
    {"coroutines", coroutines, 60000000, "frames from growing arenas, four threads"},
    {"realloc-small", realloc_small, 10000000, "strings that grow by appending"},
    {"realloc-large", realloc_large, 10, "vectors that grow to 32 MiB"},
    {"realloc-burst", realloc_burst, 20, "3,000 blocks that grow once and are all freed"},
    {"strings", strings, 40000000, "long strings to which a little is appended"},
    {"large", large, 32000, "blocks of 64 KiB to 4 MiB replaced at random"},
    {"huge", huge, 4000, "blocks of 1 to 64 MiB, one after another"},
    {"calloc", zeroed, 10000000, "zeroed blocks of mixed sizes"},
    {"aligned", aligned, 6000000, "aligned blocks of mixed sizes"},
    {"fragment", fragment, 3, "phases of different sizes, with survivors"},
    {"tiny", tiny, 1000, "many runs of a small program"},
};

static const struct magazine_entry *find(const char *name) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        if (!strcmp(name, entries[i].name)) return &entries[i];
    return NULL;
}

static int print_list(void) {
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++)
        printf("%s\t%s\n", entries[i].name, entries[i].meaning);
    return 0;
}

static int print_provider(void) {
    Dl_info info;
    void *symbol = dlsym(RTLD_DEFAULT, "malloc");
    if (!symbol || !dladdr(symbol, &info))
        bench_fail("cannot determine which file provides malloc");
    puts(info.dli_fname);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && !strcmp(argv[1], "--list")) return print_list();
    if (argc == 2 && !strcmp(argv[1], "--provider")) return print_provider();

    const struct magazine_entry *entry = argc >= 2 ? find(argv[1]) : NULL;
    double scale = argc >= 3 ? atof(argv[2]) : 1.0;
    if (!entry || !(scale > 0)) {
        fputs("usage: workloads --list | --provider | NAME [SCALE]\n", stderr);
        return 2;
    }
    size_t steps = (size_t)((double)entry->steps * scale);
    entry->perform(steps ? steps : 1);
    if (BENCH_LATENCY) latency_report();
    return 0;
}
