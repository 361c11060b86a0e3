#include "process/mtrace.h"

#include <stdlib.h>
#include <string.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "process/environment.h"
#include "process/mtrace_log.h"
#include "process/options.h"
#include "report/report.h"

/* Frees the memory that libc keeps for itself, so that it does not look like a leak. */
__attribute__((weak)) void __libc_freeres(void);

static bool mtrace_is_on(void) { return (settings.modes & MODE_TRACE) != 0; }

static void mtrace_free_libc(void) {
    if (mtrace_is_on() && __libc_freeres != NULL) __libc_freeres();
}

RARE void mtrace_begin(void) {
    static bool at_exit;
    const char *name = environment_of("MALLOC_TRACE");
    if (mtrace_is_on() || name == NULL) return;
    if (!mtrace_log_open(name)) {
        report_warning("MALLOC_TRACE: cannot write '", name, strlen(name), "'");
        return;
    }
    if (!at_exit) at_exit = atexit(mtrace_free_libc) == 0;
    options_trace(true);
}

RARE void mtrace_end(void) {
    if (!mtrace_is_on()) return;
    options_trace(false);
    mtrace_log_close();
}

RARE void mtrace_flush(void) {
    if (mtrace_is_on()) mtrace_log_flush();
}

__attribute__((destructor(101))) static void mtrace_flush_at_exit(void) {
    mtrace_log_write_at_once();
    mtrace_flush();
}

RARE void mtrace_after_fork(void) {
    if (mtrace_is_on()) options_trace(false);
    mtrace_log_after_fork();
}
