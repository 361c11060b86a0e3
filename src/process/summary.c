#include "process/summary.h"

#include <string.h>

#include "os/os.h"
#include "process/settings.h"
#include "process/stats.h"
#include "report/print.h"
#include "report/text.h"

struct resident {
    size_t now, peak; /* bytes */
};

static size_t status_field(const char *status, const char *name) {
    const char *at = strstr(status, name);
    if (at == NULL) return 0;
    for (at += strlen(name); *at == ' ' || *at == '\t';) at++;
    size_t kib = 0;
    for (; *at >= '0' && *at <= '9'; at++) kib = kib * 10 + (size_t)(*at - '0');
    return kib * KIB;
}

RARE static struct resident read_resident(void) {
    static UNTOUCHED char status[4096];
    long n = os_read_file("/proc/self/status", status, sizeof status - 1);
    status[n > 0 ? n : 0] = '\0';
    return (struct resident){status_field(status, "VmRSS:"), status_field(status, "VmHWM:")};
}

static void add_program(struct text *t) {
    char name[64];
    long n = os_read_file("/proc/self/comm", name, sizeof name);
    if (n > 0 && name[n - 1] == '\n') n--;
    if (n > 0) text_add_bytes(t, name, (size_t)n);
}

static void add_kib(struct text *t, size_t bytes) {
    text_add_column(t, (bytes + KIB - 1) / KIB, 10);
    text_add(t, " KiB");
}

static uint64_t sum_allocs(const struct call_counts *calls) {
    uint64_t sum = 0;
    for (unsigned i = 0; i <= CLASSES; i++) sum += calls->allocs[i];
    return sum;
}

/* One class, or with CLASSES everything that is no slot. */
struct row {
    const char *label;
    size_t size;
    uint64_t allocs;
    size_t blocks, bytes;
};

static struct row row_of(const struct mallow_stats *f, const struct call_counts *calls,
                         unsigned i) {
    struct row row = {.label = "", .allocs = calls->allocs[i]};
    if (i < CLASSES) {
        row.size = i == CLASS_ZERO ? 0 : class_size(i);
        row.blocks = f->classes[i].used_slots;
        row.bytes = row.blocks * row.size;
    } else {
        row.label = "larger";
        row.blocks = f->run_blocks + f->mappings;
        row.bytes = f->run_bytes + f->mapping_bytes;
    }
    return row;
}

RARE static void summary_text(const struct mallow_stats *f, const struct call_counts *calls,
                              const struct resident *rss) {
    char line[256];
    struct text t = {.buffer = line, .size = sizeof line};
    size_t live = f->live_bytes + f->mapping_bytes;
    text_add(&t, "== Mallow: memory of ");
    add_program(&t);
    text_add(&t, ", process ");
    text_add_number(&t, (uint64_t)os_process_id());
    text_write(&t);
    text_add(&t, "                     peak         at the end");
    text_write(&t);
    text_add(&t, "   resident");
    add_kib(&t, rss->peak);
    text_add(&t, "  ");
    add_kib(&t, rss->now);
    text_write(&t);
    text_add(&t, "   live    ");
    add_kib(&t, max_size(calls->peak_bytes, live));
    text_add(&t, "  ");
    add_kib(&t, live);
    text_add(&t, "  in ");
    text_add_number(&t, f->live_blocks + f->mappings);
    text_add(&t, " blocks");
    text_write(&t);
    text_add(&t, "   ");
    text_add_number(&t, sum_allocs(calls));
    text_add(&t, " allocations, ");
    text_add_number(&t, calls->frees);
    text_add(&t, " frees; by size class:");
    text_write(&t);
    text_add(&t, "        bytes   allocations   still live   live bytes");
    text_write(&t);
    for (unsigned i = 0; i <= CLASSES; i++) {
        struct row row = row_of(f, calls, i);
        if (row.allocs == 0 && row.blocks == 0) continue;
        if (i < CLASSES)
            text_add_column(&t, row.size, 13);
        else
            text_add(&t, "       larger");
        text_add_column(&t, row.allocs, 14);
        text_add_column(&t, row.blocks, 13);
        text_add_column(&t, row.bytes, 13);
        text_write(&t);
    }
}

RARE static void summary_json(const struct mallow_stats *f, const struct call_counts *calls,
                              const struct resident *rss) {
    static UNTOUCHED char buffer[16 * KIB];
    struct text t = {.buffer = buffer, .size = sizeof buffer};
    size_t live = f->live_bytes + f->mapping_bytes;
    const struct {
        const char *name;
        uint64_t value;
    } fields[] = {
        {"pid", (uint64_t)os_process_id()},
        {"resident_peak_bytes", rss->peak},
        {"resident_bytes", rss->now},
        {"live_peak_bytes", max_size(calls->peak_bytes, live)},
        {"live_bytes", live},
        {"live_blocks", f->live_blocks + f->mappings},
        {"allocations", sum_allocs(calls)},
        {"frees", calls->frees},
    };
    text_add(&t, "{");
    for (unsigned i = 0; i < sizeof fields / sizeof fields[0]; i++) {
        print_json_field(&t, fields[i].name, fields[i].value);
        text_add(&t, ",");
    }
    text_add(&t, "\"classes\":[");
    const char *separator = "";
    for (unsigned i = 0; i <= CLASSES; i++) {
        struct row row = row_of(f, calls, i);
        if (row.allocs == 0 && row.blocks == 0) continue;
        text_add(&t, separator);
        text_add(&t, "{");
        if (i < CLASSES)
            print_json_field(&t, "size", row.size);
        else
            text_add(&t, "\"size\":null");
        text_add(&t, ",");
        print_json_field(&t, "allocations", row.allocs);
        text_add(&t, ",");
        print_json_field(&t, "live_blocks", row.blocks);
        text_add(&t, ",");
        print_json_field(&t, "live_bytes", row.bytes);
        text_add(&t, "}");
        separator = ",";
    }
    text_add(&t, "]}");
    text_write(&t);
}

/* After the program's own destructors: its blocks are counted when nobody frees any more. */
__attribute__((destructor(101))) static void print_at_exit(void) {
    static UNTOUCHED struct mallow_stats stats;
    if (!settings.summary) return;
    struct call_counts calls = stats_calls();
    struct resident resident = read_resident();
    stats_read(&stats);
    (settings.summary_json ? summary_json : summary_text)(&stats, &calls, &resident);
}

void summary_forget(void) { settings.summary = false; }
