/* The beginning of the recording, and forks. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "os/os_thread.h"
#include "os/thread_id.h"
#include "profile/profile.h"
#include "record.h"
#include "trace/trace_session.h"
#include "trace/trace_state.h"

/* Stores the value of `trace` in a list of options. Returns false if there is none that fits. */
static bool record_read_option(const char *options, char *value, size_t size) {
    static const char key[] = "trace=";
    const char *found = NULL;
    for (const char *at = options; at != NULL; at = strchr(at, ',')) {
        at += *at == ',';
        if (strncmp(at, key, sizeof key - 1) == 0) found = at + sizeof key - 1;
    }
    size_t length = found == NULL ? 0 : strcspn(found, ",");
    if (length == 0 || length >= size) return false;
    memcpy(value, found, length);
    value[length] = '\0';
    return true;
}

static void record_after_fork(void) {
    thread_id_after_fork();
    trace_after_fork();
}

/* process_end.c calls it. There are no profiles without Mallow. */
void profile_ends(void) {}

/* libmallow.so records its own calls. */
__attribute__((constructor(102))) static void record_start(void) {
    char path[256];
    if (mallow_trace_call != NULL) return;
    os_thread_learn();
    if (!record_read_option(getenv("MALLOW_OPTIONS"), path, sizeof path)) return;
    if (!trace_open(path) || !trace_begin_session()) return;
    pthread_atfork(trace_before_fork, NULL, record_after_fork);
}
