/*
 * /metrics: the figures of the target in Prometheus' text format, version 0.0.4.
 *
 * Names are stable: dashboards and alerts depend on them. A figure that is unknown is left out.
 */
#include <ctype.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "control/control.h"
#include "control/control_call.h"
#include "mallow_page.h"
#include "proc/amount.h"
#include "proc/proc.h"
#include "profiles/profile.h"
#include "serve.h"

/* ---- the format ---- */

static void metrics_begin(FILE *to, const char *name, const char *type, const char *help) {
    fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

static void metrics_add(FILE *to, const char *name, const char *type, const char *help,
                        double value) {
    metrics_begin(to, name, type, help);
    fprintf(to, "%s %.15g\n", name, value);
}

/* Writes the value of a label. The text contains no other control characters than a newline. */
static void metrics_write_value(FILE *to, const char *text) {
    for (; *text != '\0'; text++) {
        if (*text == '\\' || *text == '"') putc('\\', to);
        if (*text == '\n')
            fputs("\\n", to);
        else
            putc(*text, to);
    }
}

static void metrics_write_up(FILE *to, int is_up) {
    metrics_add(to, "mallow_up", "gauge", "1 if the process runs and answers, otherwise 0.", is_up);
    metrics_begin(to, "mallow_build_info", "gauge", "The version of mallow serve; always 1.");
    fputs("mallow_build_info{version=\"" MALLOW_VERSION "\"} 1\n", to);
}

void serve_metrics_write_absence(FILE *to, const char *reason) {
    fprintf(to, "# %s\n", reason);
    metrics_write_up(to, 0);
}

/* ---- the process, by /proc ---- */

static void metrics_write_status(FILE *to, pid_t process, const char *field, const char *name,
                                 const char *help) {
    char line[PROC_LINE_SIZE];
    if (!proc_status_line(process, field, line)) return;
    metrics_add(to, name, "gauge", help, strtod(line + strlen(field), NULL) * 1024);
}

/* Returns the path of the program, or its name if the path may not be read. */
static void metrics_read_program(pid_t process, char program[static PROC_LINE_SIZE]) {
    ssize_t length = readlink(proc_path(process, "exe").text, program, PROC_LINE_SIZE - 1);
    if (length >= 0) {
        program[length] = '\0';
        return;
    }
    char line[PROC_LINE_SIZE];
    if (!proc_status_line(process, "Name:", line)) line[0] = '\0';
    const char *name = line + strcspn(line, "\t") + (*line != '\0');
    snprintf(program, PROC_LINE_SIZE, "%.*s", (int)strcspn(name, "\n"), name);
}

/* Returns the time since 1970 at which the system was started, in seconds, or 0. */
static double metrics_boot_time(void) {
    char line[256];
    double seconds = 0;
    FILE *status = fopen("/proc/stat", "re");
    while (status != NULL && fgets(line, sizeof line, status) != NULL)
        if (strncmp(line, "btime ", 6) == 0) seconds = strtod(line + 6, NULL);
    if (status != NULL) fclose(status);
    return seconds;
}

enum { METRICS_MINOR_FAULTS = 10, METRICS_MAJOR_FAULTS = 12, METRICS_USER = 14, METRICS_SYSTEM };

static void metrics_write_process(FILE *to, pid_t process) {
    char program[PROC_LINE_SIZE];
    double tick = (double)sysconf(_SC_CLK_TCK);
    metrics_read_program(process, program);
    metrics_begin(to, "mallow_process_info", "gauge", "The process that is served; always 1.");
    fprintf(to, "mallow_process_info{pid=\"%d\",program=\"", (int)process);
    metrics_write_value(to, program);
    fputs("\"} 1\n", to);
    metrics_add(to, "mallow_process_start_time_seconds", "gauge",
                "When the process was started, in seconds since 1970.",
                metrics_boot_time() + (double)proc_stat_number(process, STAT_START_TIME) / tick);
    metrics_add(to, "mallow_process_cpu_seconds_total", "counter",
                "Processor time of the process, in seconds.",
                (double)(proc_stat_number(process, METRICS_USER) +
                         proc_stat_number(process, METRICS_SYSTEM)) /
                    tick);
    metrics_begin(to, "mallow_process_page_faults_total", "counter",
                  "Page faults of the process: minor ones, and major ones that read from disk.");
    fprintf(to,
            "mallow_process_page_faults_total{kind=\"minor\"} %lu\n"
            "mallow_process_page_faults_total{kind=\"major\"} %lu\n",
            proc_stat_number(process, METRICS_MINOR_FAULTS),
            proc_stat_number(process, METRICS_MAJOR_FAULTS));
    metrics_write_status(to, process, "VmRSS:", "mallow_process_resident_bytes",
                         "Resident memory of the process.");
    metrics_write_status(to, process, "VmHWM:", "mallow_process_resident_peak_bytes",
                         "The highest resident memory of the process.");
    metrics_write_status(to, process, "VmSwap:", "mallow_process_swapped_bytes",
                         "Memory of the process in swap space.");
    metrics_write_status(to, process, "VmSize:", "mallow_process_virtual_bytes",
                         "Address space of the process.");
    long threads = proc_status_number(process, "Threads:");
    if (threads >= 0)
        metrics_add(to, "mallow_process_threads", "gauge", "Threads of the process.",
                    (double)threads);
}

/* ---- the heap, by the statistics page ---- */

/* Together less than the ten seconds that Prometheus waits by default. */
static const struct control_limits metrics_page_limits = {5, 4096};
static const struct control_limits metrics_profile_limits = {4, 4096};

static void metrics_read_page(pid_t process, struct mallow_page *copy) {
    struct stat file;
    int fd = -1;
    free(control_request_descriptor(process, "page", metrics_page_limits, &fd));
    int seals = fcntl(fd, F_GET_SEALS);
    if (fstat(fd, &file) != 0 || file.st_size < (off_t)sizeof *copy || seals < 0 ||
        (seals & F_SEAL_SHRINK) == 0)
        errx(EXIT_OWN_FAILURE, "process %d passed no statistics page of this version",
             (int)process);
    void *page = mmap(NULL, sizeof *copy, PROT_READ, MAP_SHARED, fd, 0);
    if (page == MAP_FAILED) err(EXIT_OWN_FAILURE, "cannot map the statistics page");
    if (mallow_page_read(page, copy) == 0)
        errx(EXIT_OWN_FAILURE, "process %d does not complete its statistics page", (int)process);
}

struct metrics_figure {
    const char *name, *type, *help;
    size_t offset; /* in struct mallow_stats */
};

#define FIGURE(name, type, help, field) \
    {"mallow_" name, type, help, offsetof(struct mallow_stats, field)}

static const struct metrics_figure metrics_figures[] = {
    FIGURE("heap_bytes", "gauge", "The whole heap: in use, free and not yet used.", heap_bytes),
    FIGURE("cached_blocks", "gauge", "Free slots in the caches of threads.", cached_blocks),
    FIGURE("cached_bytes", "gauge", "Bytes of free slots in the caches of threads.", cached_bytes),
    FIGURE("free_blocks", "gauge", "Free slots in slabs that were used before.", free_blocks),
    FIGURE("free_bytes", "gauge", "Bytes of free slots in slabs that were used before.",
           free_bytes),
    FIGURE("fresh_bytes", "gauge", "Slots that were never used or were returned to the kernel.",
           fresh_bytes),
    FIGURE("slab_bytes", "gauge", "Pages of slabs.", slab_bytes),
    FIGURE("run_blocks", "gauge", "Blocks of whole pages, too large for a slot.", run_blocks),
    FIGURE("run_bytes", "gauge", "Bytes of blocks of whole pages.", run_bytes),
    FIGURE("dirty_bytes", "gauge", "Free pages that are resident and can be returned.",
           dirty_bytes),
    FIGURE("clean_bytes", "gauge", "Free pages without memory.", clean_bytes),
    FIGURE("mappings", "gauge", "Blocks with a mapping of their own.", mappings),
    FIGURE("mapping_bytes", "gauge", "Bytes of blocks with a mapping of their own.", mapping_bytes),
    FIGURE("guarded_blocks", "gauge", "Blocks between inaccessible pages.", guarded_blocks),
    FIGURE("metadata_bytes", "gauge", "The allocator's own memory.", metadata_bytes),
    FIGURE("purged_bytes_total", "counter", "Bytes that were returned to the kernel.",
           purged_bytes),
};

static uint64_t metrics_figure(const struct mallow_stats *stats, size_t offset) {
    uint64_t value;
    memcpy(&value, (const char *)stats + offset, sizeof value);
    return value;
}

/* Writes what the resident memory of the heap holds. Together they are all of it. */
static void metrics_write_resident(FILE *to, const struct mallow_stats *stats) {
    static const struct {
        const char *kind;
        size_t offset;
    } kinds[] = {
        {"live", offsetof(struct mallow_stats, resident_live_bytes)},
        {"cached", offsetof(struct mallow_stats, resident_cached_bytes)},
        {"held", offsetof(struct mallow_stats, resident_held_bytes)},
        {"pinned", offsetof(struct mallow_stats, pinned_bytes)},
        {"trimmable", offsetof(struct mallow_stats, trimmable_bytes)},
        {"surplus", offsetof(struct mallow_stats, surplus_bytes)},
        {"guarded", offsetof(struct mallow_stats, resident_guarded_bytes)},
        {"mapping", offsetof(struct mallow_stats, resident_mapping_bytes)},
        {"metadata", offsetof(struct mallow_stats, resident_metadata_bytes)},
    };
    metrics_begin(to, "mallow_resident_bytes", "gauge",
                  "Resident memory of the heap by what it holds: live blocks, caches of threads, "
                  "quarantines, free memory pinned by live blocks, free pages that trimming "
                  "returns, unused parts of huge pages, guarded blocks, blocks with a mapping of "
                  "their own, and metadata.");
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        fprintf(to, "mallow_resident_bytes{kind=\"%s\"} %lu\n", kinds[i].kind,
                metrics_figure(stats, kinds[i].offset));
}

/* Blocks of size 0 have a class of their own, with slots as large as those of the smallest one, and
 * count with it. */
static uint64_t metrics_class(const struct mallow_stats *stats, size_t index, size_t offset) {
    uint64_t value, empty;
    memcpy(&value, (const char *)&stats->classes[index] + offset, sizeof value);
    memcpy(&empty, (const char *)&stats->classes[0] + offset, sizeof empty);
    bool is_same = stats->classes[index].slot_bytes == stats->classes[0].slot_bytes;
    return value + (is_same ? empty : 0);
}

static void metrics_write_class(FILE *to, const struct mallow_stats *stats, const char *name,
                                const char *help, size_t offset) {
    metrics_begin(to, name, "gauge", help);
    for (size_t i = 1; i < MALLOW_STATS_CLASSES; i++)
        if (stats->classes[i].slot_bytes != 0)
            fprintf(to, "%s{slot_bytes=\"%lu\"} %lu\n", name, stats->classes[i].slot_bytes,
                    metrics_class(stats, i, offset));
}

static void metrics_write_classes(FILE *to, const struct mallow_stats *stats) {
    metrics_write_class(to, stats, "mallow_class_live_blocks",
                        "Live blocks of a size class, by the size of its slots.",
                        offsetof(struct mallow_class_stats, used_slots));
    metrics_write_class(to, stats, "mallow_class_cached_blocks",
                        "Free slots of a size class in the caches of threads.",
                        offsetof(struct mallow_class_stats, cached_slots));
    metrics_write_class(to, stats, "mallow_class_free_blocks",
                        "Free slots of a size class in slabs, used before.",
                        offsetof(struct mallow_class_stats, free_slots));
    metrics_begin(to, "mallow_class_pinned_bytes", "gauge",
                  "Free memory of a size class, or of slabs with mixed sizes, in pages that hold a "
                  "live block.");
    fprintf(to, "mallow_class_pinned_bytes{slot_bytes=\"mixed\"} %lu\n",
            stats->class_pages[0].pinned_bytes);
    for (size_t i = 1; i < MALLOW_STATS_CLASSES; i++)
        if (stats->classes[i].slot_bytes != 0)
            fprintf(to, "mallow_class_pinned_bytes{slot_bytes=\"%lu\"} %lu\n",
                    stats->classes[i].slot_bytes, stats->class_pages[i].pinned_bytes);
}

static void metrics_write_heap(FILE *to, const struct mallow_stats *stats) {
    metrics_add(to, "mallow_live_blocks", "gauge", "Blocks that the program uses.",
                (double)(stats->live_blocks + stats->mappings));
    metrics_add(to, "mallow_live_bytes", "gauge",
                "Bytes of the blocks that the program uses, as they are rounded up.",
                (double)(stats->live_bytes + stats->mapping_bytes));
    for (size_t i = 0; i < sizeof metrics_figures / sizeof metrics_figures[0]; i++) {
        const struct metrics_figure *of = &metrics_figures[i];
        metrics_add(to, of->name, of->type, of->help, (double)metrics_figure(stats, of->offset));
    }
    metrics_begin(to, "mallow_heaps", "gauge",
                  "Heaps of threads that run, and of threads that have ended.");
    fprintf(to, "mallow_heaps{state=\"used\"} %lu\nmallow_heaps{state=\"unused\"} %lu\n",
            stats->heaps_with_thread, stats->heaps_without_thread);
    metrics_write_resident(to, stats);
    metrics_write_classes(to, stats);
}

/* ---- calls, by the samples ---- */

static void metrics_write_sums(FILE *to, const struct profile_section *section) {
    const struct profile_snapshot *last = &section->snapshots[section->snapshot_count - 1];
    struct mallow_profile_site *state = profile_state(section, last);
    double blocks = 0, bytes = 0;
    for (size_t i = 0; i < section->site_count; i++) {
        blocks += state[i].allocated.blocks;
        bytes += state[i].allocated.bytes;
    }
    free(state);
    metrics_add(to, "mallow_sample_rate_bytes", "gauge", "Mean bytes between two samples.",
                (double)section->process.rate);
    metrics_add(to, "mallow_allocated_blocks_total", "counter",
                "Blocks that were allocated since samples are taken; an estimate.", blocks);
    metrics_add(to, "mallow_allocated_bytes_total", "counter",
                "Bytes that were allocated since samples are taken; an estimate.", bytes);
    metrics_add(to, "mallow_samples_lost_total", "counter",
                "Samples that there was no memory to record.", (double)last->totals.samples_lost);
}

/* A process that takes no samples has no such figures. */
static void metrics_write_calls(FILE *to, pid_t process) {
    struct profile *profile;
    char *answer;
    int fd = -1;
    char *reason = control_call(process, "profile", metrics_profile_limits, &fd, &answer);
    bool is_sampled = reason == NULL && fd >= 0 && profile_take(process, fd, &profile) == NULL;
    metrics_add(to, "mallow_sampled", "gauge",
                "1 if the process takes samples of its allocations, otherwise 0.", is_sampled);
    if (is_sampled) metrics_write_sums(to, profile->sections[profile->count - 1]);
}

void serve_metrics_write(FILE *to, void *with) {
    const struct serve_job *job = with;
    struct mallow_page page;
    metrics_read_page(job->process, &page);
    metrics_write_up(to, 1);
    metrics_write_process(to, job->process);
    metrics_write_heap(to, &page.stats);
    metrics_write_calls(to, job->process);
}
