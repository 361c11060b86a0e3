/* What the environment and mallopt chose. Written at start and by mallopt; read on slow paths. */
#ifndef MALLOW_SETTINGS_H
#define MALLOW_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_mode {
    CHECK_FREE, /* every free is validated */
    CHECK_HARD, /* for production: see hard.h */
    CHECK_FULL, /* for debugging */
};

struct settings {
    size_t mmap_threshold;
    size_t mmap_max;
    size_t mxfast;       /* magazines serve sizes up to this, */
    size_t tcache_max;   /* and this */
    size_t tcache_count; /* entries that a magazine holds at most */
    unsigned generation; /* grows with each change of what magazines may hold */
    unsigned special;    /* SPECIAL_* bits (special.h): what slow paths do besides */
    enum check_mode check;
    size_t quarantine;    /* bytes that wait there in check=full */
    unsigned frames;      /* of the stacks that are kept of each block */
    bool randomize;       /* nobody can guess where fresh slots and new slabs are */
    uint8_t perturb;      /* what blocks are filled with, when SPECIAL_FILL */
    uint8_t check_action; /* CHECK_*: what a detected error does */
    bool fixed_threshold; /* somebody set one of the four that turn adaptation off */
    bool purge_thread;    /* purge_thread=on */
    bool summary;         /* stats=exit, and this is the process that it means */
    bool summary_json;
    bool control;        /* control=on */
    bool leak_at_exit;   /* leak=exit */
    uint8_t leak_status; /* the process's, when blocks are lost; 0: its own */
    bool guard_left;     /* guard_align=left */
    bool families_mixed; /* a block's family is not compared with the one that frees it */
    bool guard_large;    /* all large blocks are guarded, whatever they need */
    size_t guard;        /* guard=N: one block in N is guarded; 0: none */
    size_t guard_budget; /* bytes that guarded blocks may take; 0: see guard.h */
};

extern struct settings settings;

/* The bits of M_CHECK_ACTION. */
enum { CHECK_REPORT = 1, CHECK_ABORT = 2, CHECK_SIMPLE = 4 };

/* Reads MALLOW_OPTIONS, MALLOC_*_ and GLIBC_TUNABLES. Not in setuid programs. */
void settings_read(void);

/* Whether MALLOW_OPTIONS says backend=brk. Asked at the first allocation, which may come before
 * settings_read, and from the loader, before libc knows the environment: then it is not known. */
bool settings_backend_is_break(void);

/* mallopt's: 1, or 0 when the value is out of the parameter's documented range. */
int settings_mallopt(int parameter, int value);

/* From now on calls are not counted, and there is no summary. */
void settings_end_summary(void);

/* From now on calls are traced, or no more. */
void settings_trace(bool wanted);

/* From now on blocks are checked, by check=full unless check=hard does it already; pedantic: all of
 * them at each call, for ever. */
void settings_check(bool pedantic);

/* As glibc documents: freeing a mapped block raises the threshold to its size. */
void settings_adapt_threshold(size_t freed_bytes);

#endif
