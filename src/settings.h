/* What the environment and mallopt chose. Written at start and by mallopt; read on slow paths. */
#ifndef MALLOW_SETTINGS_H
#define MALLOW_SETTINGS_H

#include "config.h"

struct settings {
    size_t mmap_threshold;
    size_t mmap_max;
    size_t mxfast;        /* largest size that magazines serve */
    uint8_t perturb;      /* fills blocks when not 0 */
    bool fixed_threshold; /* somebody set one of the three that turn adaptation off */
    bool report_only;     /* on_error=report */
    bool count_calls;     /* exact counts of calls: magazines hold nothing */
    bool summary;         /* stats=exit, and this is the process that it means */
    bool summary_json;
    bool control; /* control=on */
    int log_fd;
};

extern struct settings settings;

/* Reads MALLOW_OPTIONS, MALLOC_*_ and GLIBC_TUNABLES. Not in setuid programs. */
void settings_read(void);

/* mallopt's: 1, or 0 when the value is out of the parameter's documented range. */
int settings_mallopt(int parameter, int value);

/* As glibc documents: freeing a mapped block raises the threshold to its size. */
void settings_adapt_threshold(size_t freed_bytes);

#endif
