/* Reads a log of mtrace(3) and replays it: finds the blocks that are live at its end, and errors.
 */
#ifndef MALLOW_TRACE_LOG_H
#define MALLOW_TRACE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A call site in the log. Equal sites share one structure. */
struct trace_site {
    const char *text;  /* as in the log; "" if unknown */
    char *object;      /* the program or shared object; NULL if unknown */
    char *symbol;      /* mangled; NULL if unknown */
    uint64_t offset;   /* from the object's first byte; an address if there is no object */
    char *description; /* NULL; the caller may fill it in */
};

/* The most recent block at an address. */
struct trace_block {
    uint64_t address, size;
    struct trace_site *allocated_at, *freed_at; /* freed_at: NULL while the block is live */
};

enum trace_error_kind {
    TRACE_FREED_TWICE,
    TRACE_NEVER_ALLOCATED,
    TRACE_ALLOCATED_TWICE, /* and not freed in between: the log is incomplete */
};

struct trace_error {
    enum trace_error_kind kind;
    uint64_t address;
    size_t line; /* of the log */
    struct trace_site *site;
    struct trace_site *previous; /* of the previous free or allocation, or NULL */
};

struct trace_log {
    uint64_t allocations, reallocations, frees, failures; /* calls */
    uint64_t allocated_bytes;                             /* by all calls */
    uint64_t live_bytes, live_blocks, peak_bytes, peak_blocks;
    struct trace_error *errors;
    size_t error_count;
    void *blocks, *sites; /* trees of tsearch(3) */
};

/* A line of the log: '+' allocates, '-' frees, '<' and '>' are the old and the new block of a
 * reallocation, and '!' is one that failed. */
struct trace_log_call {
    char sign;
    uint64_t address, size;
};

/* The exit status for a file that is not a log. */
#define EXIT_BAD_LOG 2

/* Reads the file. Ends the command with a message and EXIT_BAD_LOG if it cannot be read or is not a
 * log. */
struct trace_log *trace_log_read(const char *path);

/* Reads the file, and calls the function for each line. The site is valid as long as the process.
 */
void trace_log_each_call(const char *path,
                         void (*call)(const struct trace_log_call *call, struct trace_site *site,
                                      void *context),
                         void *context);

/* Calls the function for each live block, in the order of addresses. */
void trace_log_for_each_live(const struct trace_log *log,
                             void (*call)(const struct trace_block *block, void *context),
                             void *context);

#endif
