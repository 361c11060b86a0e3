/*
 * Static probes (USDT) for profilers outside of the process, with the names and arguments that
 * OpenTelemetry's profiler expects:
 *
 *     otel_memory:alloc(void *ptr, uint64_t size, uint64_t weighted_bytes)
 *     otel_memory:free(void *ptr)
 *
 * They fire for sampled blocks only. `weighted_bytes` is the number of allocated bytes that the
 * sample represents. A probe is one nop instruction, and a note in the library's file says where it
 * is. It costs nothing until a profiler replaces it with a trap.
 */
#ifndef MALLOW_PROBES_H
#define MALLOW_PROBES_H

#include <stddef.h>
#include <stdint.h>

#include "base/compiler.h"

#if __has_include(<sys/sdt.h>)
#    include <sys/sdt.h>
#    define PROBES_FIRE_ALLOC(p, size, weighted) \
        DTRACE_PROBE3(otel_memory, alloc, p, size, weighted)
#    define PROBES_FIRE_FREE(p) DTRACE_PROBE1(otel_memory, free, p)
#else /* the build reports that there are no probes */
#    define PROBES_FIRE_ALLOC(p, size, weighted) ((void)(p), (void)(size), (void)(weighted))
#    define PROBES_FIRE_FREE(p) ((void)(p))
#endif

/* NOINLINE: each probe has one place. */
static NOINLINE void probe_alloc(const void *p, size_t size, double weight) {
    uint64_t bytes = size, weighted = (uint64_t)((double)size * weight + 0.5);
    PROBES_FIRE_ALLOC(p, bytes, weighted);
}

static NOINLINE void probe_free(const void *p) { PROBES_FIRE_FREE(p); }

#endif
