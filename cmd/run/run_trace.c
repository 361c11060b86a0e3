#include "run/run_trace.h"

#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "launch/preload.h"
#include "launch/program_allocator.h"
#include "trace/trace_drain.h"
#include "trace/trace_options.h"

static struct {
    const char *file; /* NULL: no trace */
    uint32_t frames;  /* of stacks; 0: none */
    enum trace_full full;
    char *library; /* another allocator than Mallow, or NULL */
    bool is_of_other;
    bool has_details; /* other options of the trace were given */
    struct trace_drain *drain;
} run_trace;

void run_trace_set_file(const char *file) {
    if (*file == '\0') usage_error("--trace='': the name of a trace must not be empty");
    run_trace.file = file;
}

void run_trace_set_stacks(const char *frames) {
    run_trace.frames = trace_option_frames("--trace-stacks", frames);
    run_trace.has_details = true;
}

void run_trace_set_full(const char *what) {
    run_trace.full = trace_option_full("--trace-full", what);
    run_trace.has_details = true;
}

void run_trace_set_allocator(const char *allocator) {
    run_trace.is_of_other = run_trace.has_details = true;
    free(run_trace.library);
    run_trace.library = NULL;
    if (strcmp(allocator, "system") == 0) return;
    run_trace.library = realpath(allocator, NULL);
    if (run_trace.library == NULL)
        err(EXIT_OWN_FAILURE, "--with='%s' is neither 'system' nor a library", allocator);
}

bool run_trace_is_of_other(void) { return run_trace.is_of_other; }

void run_trace_preload(void) {
    if (run_trace.library != NULL) preload_file(run_trace.library);
    preload_library(MALLOW_RECORD_LIBRARY);
}

bool run_trace_is_on(void) {
    if (run_trace.file == NULL && run_trace.has_details)
        usage_error("--trace-stacks, --trace-full and --with need --trace");
    return run_trace.file != NULL;
}

/* Returns the name of the program's allocator, which the caller frees. */
static char *run_trace_allocator(const char *program) {
    if (!run_trace.is_of_other) return xstrdup("mallow");
    return run_trace.library == NULL ? program_allocator(program) : xstrdup(run_trace.library);
}

/* The program opens the memory through the command's /proc/PID/fd, so that it finds it again after
 * it has executed another program, and keeps no descriptor. */
void run_trace_start(const char *program) {
    char own_number[32] = "", option[96];
    /* /proc may belong to another PID namespace, in which this process has another ID. */
    if (readlink("/proc/self", own_number, sizeof own_number - 1) < 0)
        err(EXIT_OWN_FAILURE, "cannot read /proc/self");
    struct trace_area *area = trace_area_create(run_trace.frames, run_trace.full);
    char *allocator = run_trace_allocator(program);
    run_trace.drain = trace_drain_start(area, run_trace.file, allocator);
    free(allocator);
    snprintf(option, sizeof option, "trace=/proc/%s/fd/%d", own_number, area->fd);
    preload_add_options(option);
}

void run_trace_end(int status) {
    struct trace_drain_end end = trace_drain_stop(run_trace.drain, status);
    trace_drain_print(&end, run_trace.file);
}
