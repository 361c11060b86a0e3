/* The figures of a round as JSON, one object in a line. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sites/site_print.h"
#include "top/top_names.h"
#include "top/top_plain.h"

static void top_json_figures(const struct top_process *process) {
    const struct mallow_stats *stats = &process->stats;
    printf(",\"live_bytes\":%lu,\"live_blocks\":%lu,\"live_peak_bytes\":%lu", top_live_bytes(stats),
           top_live_blocks(stats), process->live_peak);
    printf(",\"resident_bytes\":%lu,\"resident_peak_bytes\":%lu", process->resident,
           process->resident_peak);
    printf(",\"cached_bytes\":%lu,\"free_bytes\":%lu,\"dirty_bytes\":%lu,\"pinned_bytes\":%lu",
           stats->cached_bytes, stats->free_bytes, stats->dirty_bytes, stats->pinned_bytes);
    printf(",\"metadata_bytes\":%lu,\"mapping_bytes\":%lu", stats->metadata_bytes,
           stats->mapping_bytes);
    if (process->has_earlier)
        printf(",\"live_change_per_second\":%.1f",
               top_change(process, top_live_bytes(&process->earlier), top_live_bytes(stats)));
}

static void top_json_rate(double rate, double variance, double calls, bool has_rates) {
    if (!has_rates) {
        fputs(",\"rate\":null", stdout);
        return;
    }
    printf(",\"rate\":{\"bytes_per_second\":%.1f,\"error\":%.1f,\"calls_per_second\":%.1f}", rate,
           site_error(variance), calls);
}

static void top_json_samples(const struct top_process *process) {
    const struct top_sites *sites = &process->sites;
    printf(",\"is_sampled\":%s", process->sampling == SAMPLING_ON ? "true" : "false");
    if (process->sampling != SAMPLING_ON) return;
    printf(",\"sample_bytes\":%lu,\"samples_lost\":%lu,", sites->sample_bytes, sites->lost);
    site_json_sum("live", &sites->total.live);
    putchar(',');
    site_json_sum("allocated", &sites->total.allocated);
    top_json_rate(sites->total.rate, sites->total.rate_variance, sites->total.call_rate,
                  sites->has_rates);
}

/* ---- lists ---- */

static void top_json_classes(const struct mallow_stats *stats) {
    bool is_first = true;
    fputs(",\"classes\":[", stdout);
    for (size_t i = 0; i < MALLOW_STATS_CLASSES; i++) {
        const struct mallow_class_stats *of = &stats->classes[i];
        if (of->used_slots + of->cached_slots + of->free_slots == 0) continue;
        printf(
            "%s{\"slot_bytes\":%lu,\"used_slots\":%lu,\"cached_slots\":%lu,\"free_slots\":%lu,"
            "\"pinned_bytes\":%lu}",
            is_first ? "" : ",", of->slot_bytes, of->used_slots, of->cached_slots, of->free_slots,
            stats->class_pages[i].pinned_bytes);
        is_first = false;
    }
    putchar(']');
}

static void top_json_thread(const struct top_process *process, struct top_thread *thread) {
    top_threads_read(process, thread);
    printf("{\"id\":%d,", (int)thread->tid);
    site_json_text("name", thread->name);
    printf(",\"has_ended\":%s", thread->state == '-' ? "true" : "false");
    if (thread->state != '-') printf(",\"processor_seconds\":%.2f", thread->seconds);
    if (thread->holder != 0) {
        putchar(',');
        site_json_sum("live", &process->sites.holders[thread->holder - 1].live);
    }
    putchar('}');
}

static void top_json_threads(struct top_process *process) {
    fputs(",\"threads\":[", stdout);
    for (size_t i = 0; i < process->threads.count; i++) {
        if (i != 0) putchar(',');
        top_json_thread(process, &process->threads.list[i]);
    }
    putchar(']');
}

static void top_json_site(const struct top *top, size_t row) {
    const struct top_process *process = top->current;
    const struct top_group *group = &top->groups.list[row];
    char *title = top_groups_title(top, row);
    putchar('{');
    site_json_text("title", title);
    free(title);
    putchar(',');
    site_json_sum("live", &group->live);
    putchar(',');
    site_json_sum("allocated", &group->allocated);
    top_json_rate(group->rate, group->rate_variance, group->call_rate, process->sites.has_rates);
    putchar(',');
    site_json_stack(top_names_stacks(process->names),
                    top_names_stack(process->names, group->number));
    putchar('}');
}

/* Prints the sites with the most live bytes. */
static void top_json_sites(struct top *top, unsigned long rows) {
    static struct top_table_state state;
    fputs(",\"sites\":[", stdout);
    top_table_arrange(top, &top_view_sites, &state);
    size_t count = rows == 0 || state.count < rows ? state.count : rows;
    for (size_t i = 0; i < count; i++) {
        if (i != 0) putchar(',');
        top_json_site(top, state.rows[i]);
    }
    putchar(']');
}

/* ---- a round ---- */

static void top_json_process(struct top *top, struct top_process *process, unsigned long rows) {
    printf("{\"pid\":%d,", (int)process->pid);
    site_json_text("program", process->program);
    printf(",\"answers\":%s,\"has_ended\":%s", process->does_answer ? "true" : "false",
           process->has_ended ? "true" : "false");
    if (process->has_figures) {
        top_json_figures(process);
        top_json_samples(process);
    }
    if (process == top->current && process->has_figures) {
        top_json_classes(&process->stats);
        top_json_threads(process);
        if (process->sampling == SAMPLING_ON) top_json_sites(top, rows);
    }
    putchar('}');
}

void top_json_print(struct top *top, unsigned long rows) {
    struct timespec now;
    bool is_first = true;
    clock_gettime(CLOCK_REALTIME, &now);
    printf("{\"time\":%.3f,\"processes\":[", (double)now.tv_sec + (double)now.tv_nsec / 1e9);
    for (size_t i = 0; i < top->count; i++) {
        if (!top->list[i]->is_named && !top->list[i]->has_figures) continue;
        if (!is_first) putchar(',');
        top_json_process(top, top->list[i], rows);
        is_first = false;
    }
    puts("]}");
}
