/* Applies a setting that a test is given as the argument M_NAME=VALUE. Other settings are in its
 * environment. */
#ifndef KNOB_H
#define KNOB_H

#include "check.h"

#include <malloc.h>
#include <string.h>

static inline void turn_knob(const char *setting) {
    static const struct {
        const char *name;
        int parameter;
    } knobs[] = {
        {"M_MXFAST", M_MXFAST},     {"M_TRIM_THRESHOLD", M_TRIM_THRESHOLD},
        {"M_TOP_PAD", M_TOP_PAD},   {"M_MMAP_THRESHOLD", M_MMAP_THRESHOLD},
        {"M_MMAP_MAX", M_MMAP_MAX}, {"M_CHECK_ACTION", M_CHECK_ACTION},
        {"M_PERTURB", M_PERTURB},
    };
    size_t length = strcspn(setting, "=");
    for (size_t i = 0; i < sizeof(knobs) / sizeof(knobs[0]); i++) {
        if (strlen(knobs[i].name) != length || strncmp(knobs[i].name, setting, length) != 0)
            continue;
        CHECK_EQUAL(mallopt(knobs[i].parameter, atoi(setting + length + 1)), 1);
        return;
    }
    check_failed("no knob: %s\n", setting);
}

#endif
