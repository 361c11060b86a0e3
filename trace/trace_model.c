#include "trace_model.h"

#include <string.h>

void trace_model_reset(struct trace_model *model) {
    /* What is in `made` counts only up to `allocations`. */
    memset(model, 0, offsetof(struct trace_model, made));
}
