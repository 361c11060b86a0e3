#include "process/summary.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "os/os.h"
#include "process/calls.h"
#include "process/options.h"
#include "process/summary_text.h"
#include "report/log.h"

static size_t summary_status_field(const char *status, const char *name) {
    const char *at = strstr(status, name);
    if (at == NULL) return 0;
    for (at += strlen(name); *at == ' ' || *at == '\t';) at++;
    size_t kib = 0;
    for (; *at >= '0' && *at <= '9'; at++) kib = kib * 10 + (size_t)(*at - '0');
    return kib * KIB;
}

RARE static void summary_read_resident(struct mallow_call_page *page) {
    static UNTOUCHED char status[4096];
    long n = os_read_file("/proc/self/status", status, sizeof status - 1);
    status[n > 0 ? n : 0] = '\0';
    page->resident_bytes = summary_status_field(status, "VmRSS:");
    page->resident_peak_bytes = summary_status_field(status, "VmHWM:");
}

static void summary_write_to_log(void *unused, const char *bytes, size_t count) {
    (void)unused;
    log_write(bytes, count);
}

RARE static void summary_print(const struct mallow_call_page *page) {
    static UNTOUCHED char buffer[16 * KIB];
    struct text t = {.buffer = buffer, .size = sizeof buffer, .sink = summary_write_to_log};
    struct summary summary = {.page = page,
                              .missing = summary_other_heap(page),
                              .resident_bytes = page->resident_bytes,
                              .resident_peak_bytes = page->resident_peak_bytes};
    (settings.summary_json ? summary_add_json : summary_add_text)(&t, &summary);
    text_flush(&t);
}

/* Runs after the program's own destructors, which free blocks. If the page is shared, its reader
 * prints the summary after the process has ended. */
__attribute__((destructor(101))) static void summary_print_at_exit(void) {
    if (!settings.summary) return;
    struct mallow_call_page *page = calls_page();
    calls_finish();
    summary_read_resident(page);
    page->ended = 1;
    if (!calls_are_shared()) summary_print(page);
}

RARE void summary_before_abort(void) {
    if (!settings.summary) return;
    calls_finish();
    summary_read_resident(calls_page());
}

void summary_after_fork(void) {
    calls_after_fork();
    if (settings.summary) options_end_summary();
}
