#include "trace/trace_options.h"

#include <string.h>

#include "common/arguments.h"

#define FRAMES_DEFAULT 64
#define FRAMES_MAX 64

uint32_t trace_option_frames(const char *option, const char *frames) {
    unsigned long number = frames == NULL ? FRAMES_DEFAULT : number_value(option, frames);
    if (number == 0 || number > FRAMES_MAX)
        usage_error("%s='%s' is not a number from 1 to %d", option, frames, FRAMES_MAX);
    return (uint32_t)number;
}

enum trace_full trace_option_full(const char *option, const char *what) {
    if (strcmp(what, "wait") != 0 && strcmp(what, "drop") != 0)
        usage_error("%s='%s' is neither 'wait' nor 'drop'", option, what);
    return strcmp(what, "drop") == 0 ? TRACE_DROP : TRACE_WAIT;
}
