/* The parts of mallow map. */
#ifndef MALLOW_MAP_H
#define MALLOW_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "proc/address_space.h"

/* A row of the picture: one region, or several that belong together. */
enum map_family {
    MAP_PROGRAM,
    MAP_LIBRARY,
    MAP_STACK,     /* with its guard */
    MAP_ANONYMOUS, /* and what is inaccessible between */
    MAP_FILE,
    MAP_SHARED_MEMORY,
    MAP_MALLOW_BLOCK,
    MAP_OTHER,
};

struct map_row {
    enum map_family family;
    size_t begin, end; /* its regions, including those between that belong to it */
    size_t parts;      /* libraries, stacks or mappings in it */
    size_t main;       /* the region that gives the row its name and permissions */
    struct figures figures;
};

struct map_rows {
    struct map_row *list; /* from low addresses to high ones */
    size_t count;
};

/* How much a row contains. */
enum map_detail {
    MAP_EACH,    /* one region */
    MAP_GROUPED, /* a library, a stack with its guard, or one region */
    MAP_SHORT,   /* and long runs of similar rows */
};

/* Makes the rows. The caller frees the list. */
struct map_rows map_make_rows(const struct address_space *space, enum map_detail detail);

/* Writes the description of a row, such as "text of /usr/bin/cat", and what is swapped, locked or
 * in huge pages. The line already has `before` columns, and may have `width`. If notes do not fit,
 * they follow in a line of their own. */
void map_describe_row(const struct address_space *space, const struct map_row *row, int before,
                      int width, FILE *to);

/* Writes an amount in five columns at most: "-", "132K", "1.5M". */
struct map_amount {
    char text[16];
};
struct map_amount map_amount_of(uint64_t bytes);

/* Returns the width of the terminal on standard output, or 80. */
int map_width(void);

/* The heap of a process that runs on Mallow. */
enum page_use {
    PAGE_FULL,    /* all of it belongs to live blocks */
    PAGE_PARTIAL, /* live blocks and free memory */
    PAGE_FREE,    /* free, but resident */
    PAGE_ABSENT,  /* not resident */
    PAGE_SWAPPED,
    PAGE_FOREIGN, /* belongs to other code */
    PAGE_USES
};

struct map_heap {
    char *reason;   /* why the process does not describe its heap; NULL if it does */
    bool is_mallow; /* false: nothing suggests that it runs on Mallow */
    uint64_t start;
    uint64_t page_bytes;
    uint8_t *pages; /* enum page_use */
    size_t count;
    size_t count_of[PAGE_USES];
};

/* Asks the process for its heap, and marks its ranges in the address space. */
void map_heap_read(struct map_heap *heap, struct address_space *space);
/* Asks only for the ranges. Returns false if the process does not answer. */
bool map_heap_mark(struct address_space *space);

void map_heap_free(struct map_heap *heap);

/* Prints the picture of the heap: in a few lines, or with a character for each page. */
void map_heap_print(const struct map_heap *heap, bool whole);
void map_heap_print_json(const struct map_heap *heap);

/* Prints the picture and the totals for each kind. */
void map_print(const struct address_space *space, const char *program, bool all);

/* Prints what changes, every `seconds`, until the process ends. Takes over the first address space.
 * Returns the exit status. */
struct map_watch {
    double seconds;
    enum map_detail detail;
    bool json;
};
int map_watch(struct address_space *space, const char *program, struct map_watch settings);

/* Prints everything as a JSON object, without its last brace. */
void map_print_json(const struct address_space *space, const char *program);

#endif
