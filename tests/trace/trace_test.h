/* What the tests of trace files share. */
#ifndef TRACE_TEST_H
#define TRACE_TEST_H

#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "trace_writer.h"
#include "workload.h"

/* A file, and what was written to it. */
struct written {
    char path[64];
    struct mallow_trace_event *events;
    size_t count;
    uint64_t synced_bytes[4096]; /* after each sync: the size of the file, and the events in it */
    size_t synced_events[4096];
    size_t syncs;
};

/* Describes how a file is written. */
struct shape {
    uint64_t seed;
    size_t events, limit; /* of live blocks */
    size_t sync;          /* events between syncs, or 0: none */
    uint64_t checkpoints; /* events between checkpoints, or 0: the default */
    uint32_t processes, resolution;
};

/* Writes a workload to a temporary file. */
struct written write_file(struct shape shape);

/* Does not complete the file: it ends after the last sync. */
struct written write_unfinished_file(struct shape shape);

void remove_file(struct written *written);

/* Asserts that the events are equal, apart from the resolution of their time. */
void assert_same_event(const struct mallow_trace_event *a, const struct mallow_trace_event *b,
                       uint64_t resolution);

/* Reads a file into memory, which the caller frees. */
uint8_t *read_bytes(const char *path, size_t *count);
void write_bytes(const char *path, const uint8_t *bytes, size_t count);

#endif
