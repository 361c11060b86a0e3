/* The values that the environment and mallopt chose. process/options.c writes them, and slow paths
 * read them. */
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
    unsigned modes;      /* MODE_* bits: process/modes.c turns them on */
    enum check_mode check;
    /* The mode that the environment asks for; the last setting counts. */
    enum check_mode check_wanted;
    size_t quarantine;    /* bytes that wait there in check=full */
    unsigned frames;      /* of the stacks that are kept of each block */
    bool randomize;       /* nobody can guess where fresh slots and new slabs are */
    uint8_t perturb;      /* what blocks are filled with, when MODE_FILL */
    uint8_t check_action; /* CHECK_*: what a detected error does */
    bool error_handler;   /* mcheck(3) has set a handler of the program's: report/handler.h */
    bool fixed_threshold; /* somebody set one of the four that turn adaptation off */
    bool break_backend;   /* backend=brk */
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

/* Bits of settings.modes. */
enum {
    MODE_FULL = 1 << 0,     /* check=full: full.h */
    MODE_HARD = 1 << 1,     /* check=hard: hard.h */
    MODE_FILL = 1 << 2,     /* M_PERTURB */
    MODE_ZERO = 1 << 3,     /* zero_on_free */
    MODE_COUNT = 1 << 4,    /* exact counts of calls */
    MODE_TRACE = 1 << 5,    /* mtrace(3) */
    MODE_GUARD = 1 << 6,    /* guarded blocks, every one or sampled */
    MODE_SAMPLE = 1 << 7,   /* guards are sampled: alone, magazines stay in use */
    MODE_PEDANTIC = 1 << 8, /* mcheck_pedantic(3) */
};

/* Their blocks can be had with the lock alone: no signal may interrupt its holder. */
#define MODES_THAT_NEED_LOCK (MODE_FULL | MODE_HARD | MODE_GUARD | MODE_SAMPLE)

/* As glibc documents: freeing a mapped block raises the threshold to its size. */
void settings_adapt_threshold(size_t freed_bytes);

#endif
