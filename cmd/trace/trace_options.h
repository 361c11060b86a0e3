/* Values of options of mallow run and mallow trace. */
#ifndef MALLOW_TRACE_OPTIONS_H
#define MALLOW_TRACE_OPTIONS_H

#include <stdint.h>

#include "trace/trace_layout.h"

/* `frames` is NULL without a number. A wrong value ends the command with a message. */
uint32_t trace_option_frames(const char *option, const char *frames);
enum trace_full trace_option_full(const char *option, const char *what);

#endif
