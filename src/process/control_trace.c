#include "process/control_trace.h"

#include <string.h>

#include "base/compiler.h"
#include "process/options_change.h"
#include "process/word.h"
#include "stack/stack.h"
#include "trace/trace_ring.h"
#include "trace/trace_state.h"

static bool control_trace_is_read(void) { return trace_state.area != NULL && trace_is_read(); }

static bool control_trace_parse(const char *argument, size_t *frames, enum trace_full *full) {
    const char *blank = strchr(argument, ' ');
    if (blank == NULL) return false;
    *full = strcmp(blank + 1, "drop") == 0 ? TRACE_DROP : TRACE_WAIT;
    return (*full == TRACE_DROP || strcmp(blank + 1, "wait") == 0) &&
           word_parse_number((struct word){argument, (size_t)(blank - argument)}, frames) &&
           *frames <= STACK_FRAMES_MAX;
}

/* The command begins to read between this and "trace on". */
static const char *control_trace_make(const char *argument, int *descriptor) {
    size_t frames;
    enum trace_full full;
    if (!control_trace_parse(argument, &frames, &full)) return "not a way to record";
    if (control_trace_is_read()) return "another command records its calls";
    *descriptor = trace_make((uint32_t)frames, full);
    return *descriptor >= 0 ? NULL : "no shared memory is available";
}

static const char *control_trace_begin(void) {
    if (!control_trace_is_read()) return "no command reads what it records";
    options_change_recording(true);
    return NULL;
}

RARE const char *control_trace(const char *argument, int *descriptor) {
    *descriptor = -1;
    if (strcmp(argument, "on") == 0) return control_trace_begin();
    if (strcmp(argument, "off") != 0) return control_trace_make(argument, descriptor);
    options_change_recording(false);
    return NULL;
}
