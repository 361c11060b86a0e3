/* A log of mtrace(3), read and followed: what is live at its end, and what cannot be right. */
#ifndef MALLOW_TRACE_LOG_H
#define MALLOW_TRACE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where a call came from, as the log has it; each is there once. */
struct trace_site {
    const char *text;  /* empty: the log does not tell */
    char *object;      /* the program or shared object; NULL: not known */
    char *symbol;      /* as the linker has it; NULL: not known */
    uint64_t offset;   /* from the object's first byte; without one an address */
    char *description; /* for the reader of the log to fill in; NULL before */
};

/* The last block at an address. */
struct trace_block {
    uint64_t address, size;
    struct trace_site *allocated_at, *freed_at; /* freed: NULL while it is live */
};

enum trace_error_kind {
    TRACE_FREED_TWICE,
    TRACE_NEVER_ALLOCATED,
    TRACE_ALLOCATED_TWICE, /* and not freed in between: the log is not complete */
};

struct trace_error {
    enum trace_error_kind kind;
    uint64_t address;
    size_t line; /* of the log */
    struct trace_site *site;
    struct trace_site *previous; /* of the first free or allocation; NULL: there is none */
};

struct trace_log {
    uint64_t allocations, reallocations, frees, failures; /* calls */
    uint64_t allocated_bytes;                             /* by all calls */
    uint64_t live_bytes, live_blocks, peak_bytes, peak_blocks;
    struct trace_error *errors;
    size_t error_count;
    void *blocks, *sites; /* trees of tsearch(3) */
};

/* Exit status for what is not a log. */
#define EXIT_BAD_LOG 2

/* Ends the command with a message and EXIT_BAD_LOG when the file cannot be read or is no log. */
struct trace_log *trace_log_read(const char *path);

/* Calls back for each live block, in order of addresses. */
void trace_log_for_each_live(const struct trace_log *log,
                             void (*call)(const struct trace_block *block, void *context),
                             void *context);

#endif
