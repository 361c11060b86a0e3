/* mallinfo, malloc_stats and malloc_info: the questions of <malloc.h>. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>

#include "config.h"
#include "heap.h"
#include "info.h"
#include "os.h"
#include "stats.h"
#include "text.h"

static size_t arena_bytes(const struct figures *f) {
    return (f->pages.used + f->pages.dirty + f->pages.clean) << RUN_SHIFT;
}

static void read_all(struct figures *f) {
    if (heap_first() != NULL) heap_reap_all();
    stats_read(f);
}

struct mallinfo2 mallow_mallinfo2(void) {
    struct figures f;
    struct mallinfo2 info = {0};
    read_all(&f);
    info.arena = arena_bytes(&f);
    info.ordblks = f.pages.free_runs;
    for (unsigned class = 0; class < CLASSES; class ++) {
        const struct class_figures *c = &f.classes[class];
        info.ordblks += c->free + c->cached;
        info.smblks += c->cached;
        info.fsmblks += c->cached * class_size(class);
    }
    info.hblks = f.mappings.count;
    info.hblkhd = f.mappings.bytes;
    info.uordblks = f.live_bytes;
    info.fordblks = info.arena - info.uordblks;
    info.keepcost = f.top_free;
    return info;
}

struct mallinfo mallow_mallinfo(void) {
    struct mallinfo2 full = mallow_mallinfo2();
    return (struct mallinfo){
        .arena = (int)full.arena,
        .ordblks = (int)full.ordblks,
        .smblks = (int)full.smblks,
        .hblks = (int)full.hblks,
        .hblkhd = (int)full.hblkhd,
        .usmblks = (int)full.usmblks,
        .fsmblks = (int)full.fsmblks,
        .uordblks = (int)full.uordblks,
        .fordblks = (int)full.fordblks,
        .keepcost = (int)full.keepcost,
    };
}

static void add_stat(struct text *t, const char *label, size_t value) {
    text_add(t, label);
    text_add_column(t, value, 10);
    text_add(t, "\n");
}

/* In libc's format, straight to standard error: no stream, so no lock and no cancellation. */
RARE void mallow_malloc_stats(void) {
    struct figures f;
    char buffer[512];
    struct text t = {.buffer = buffer, .size = sizeof buffer};
    read_all(&f);
    text_add(&t, "Arena 0:\n");
    add_stat(&t, "system bytes     = ", arena_bytes(&f));
    add_stat(&t, "in use bytes     = ", f.live_bytes);
    text_add(&t, "Total (incl. mmap):\n");
    add_stat(&t, "system bytes     = ", arena_bytes(&f) + f.mappings.bytes);
    add_stat(&t, "in use bytes     = ", f.live_bytes + f.mappings.bytes);
    add_stat(&t, "max mmap regions = ", f.mappings.count_max);
    add_stat(&t, "max mmap bytes   = ", f.mappings.bytes_max);
    os_write(2, t.buffer, t.length);
}

/* ---- malloc_info ---- */

static void print_sizes(FILE *stream, const struct figures *f) {
    fputs("<sizes>\n", stream);
    for (unsigned class = 1; class < CLASSES; class ++) {
        size_t free = f->classes[class].free + f->classes[class].cached;
        if (free == 0) continue;
        fprintf(stream, "  <size from=\"%zu\" to=\"%zu\" total=\"%zu\" count=\"%zu\"/>\n",
                class_size(class - 1) + (class > 1), class_size(class), free * class_size(class),
                free);
    }
    fputs("</sizes>\n", stream);
}

static void print_totals(FILE *stream, const struct figures *f) {
    size_t fast = 0, fast_bytes = 0, rest = f->pages.free_runs;
    for (unsigned class = 0; class < CLASSES; class ++) {
        fast += f->classes[class].cached;
        fast_bytes += f->classes[class].cached * class_size(class);
        rest += f->classes[class].free;
    }
    fprintf(stream, "<total type=\"fast\" count=\"%zu\" size=\"%zu\"/>\n", fast, fast_bytes);
    fprintf(stream, "<total type=\"rest\" count=\"%zu\" size=\"%zu\"/>\n", rest,
            arena_bytes(f) - f->live_bytes - fast_bytes);
}

static void print_system(FILE *stream, const struct figures *f) {
    static const char *const types[] = {"<system type=\"current\"", "<system type=\"max\"",
                                        "<aspace type=\"total\"", "<aspace type=\"mprotect\""};
    for (unsigned i = 0; i < 4; i++)
        fprintf(stream, "%s size=\"%zu\"/>\n", types[i],
                i == 1 ? f->pages.top << RUN_SHIFT : arena_bytes(f));
}

static void print_info(FILE *stream, const struct figures *f) {
    fputs("<malloc version=\"1\">\n<heap nr=\"0\">\n", stream);
    print_sizes(stream, f);
    print_totals(stream, f);
    print_system(stream, f);
    fputs("</heap>\n", stream);
    print_totals(stream, f);
    fprintf(stream, "<total type=\"mmap\" count=\"%zu\" size=\"%zu\"/>\n", f->mappings.count,
            f->mappings.bytes);
    print_system(stream, f);
    fputs("</malloc>\n", stream);
}

RARE int mallow_malloc_info(int options, FILE *stream) {
    if (options != 0) return EINVAL;
    struct figures f;
    int cancel;
    read_all(&f);
    /* A thread cancelled while it holds the stream would leave it locked. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    print_info(stream, &f);
    pthread_setcancelstate(cancel, NULL);
    return 0;
}
