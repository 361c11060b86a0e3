/* The values that the environment and mallopt set. process/ writes them, and slow paths read them.
 */
#ifndef MALLOW_SETTINGS_H
#define MALLOW_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum check_mode {
    CHECK_FREE, /* every free is validated */
    CHECK_HARD, /* for production: see hard.h */
    CHECK_FULL, /* for debugging */
    CHECK_SEAL, /* cheaper than CHECK_HARD: see seal.h */
};

struct settings {
    size_t mmap_threshold;
    size_t mmap_max;
    size_t mxfast;       /* magazines serve sizes up to this */
    size_t tcache_max;   /* and up to this */
    size_t tcache_count; /* maximum number of entries of a magazine */
    unsigned generation; /* incremented when the limits on magazines change */
    unsigned modes;      /* MODE_* bits: process/modes.c turns them on */
    enum check_mode check;
    /* The mode that the last setting in the environment asks for. */
    enum check_mode check_wanted;
    size_t quarantine;    /* bytes of freed blocks that wait in check=full */
    unsigned frames;      /* kept of each stack that is recorded for a block */
    bool randomize;       /* the places of fresh slots and new slabs are unpredictable */
    uint8_t perturb;      /* the fill byte of MODE_FILL */
    uint8_t check_action; /* CHECK_* bits: reaction to a detected error */
    bool error_handler;   /* mcheck(3) has set a handler of the program: report/handler.h */
    bool fixed_threshold; /* one of the four knobs that stop the adaptation was set */
    bool break_backend;   /* backend=brk */
    bool purge_thread;    /* purge_thread=on */
    bool summary;         /* stats=exit, and it applies to this process */
    bool summary_json;
    bool control;        /* control=on */
    bool leak_at_exit;   /* leak=exit */
    uint8_t leak_status; /* exit status if blocks are lost; 0: unchanged */
    bool guard_left;     /* guard_align=left */
    bool families_mixed; /* do not compare the families that allocate and free */
    bool guard_large;    /* all large blocks are guarded, without a limit on memory */
    size_t guard;        /* guard=N: one block in N is guarded; 0: none */
    size_t guard_budget; /* limit on the bytes of guarded blocks; 0: see guard.h */
    size_t sample;       /* mean number of bytes between samples; 0: none */
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
    MODE_GUARD = 1 << 6,    /* guard=N */
    MODE_SAMPLE = 1 << 7,   /* sample=N */
    MODE_PEDANTIC = 1 << 8, /* mcheck_pedantic(3) */
    MODE_SEAL = 1 << 9,     /* check=seal: seal.h */
    MODE_RECORD = 1 << 10,  /* trace=FILE: trace/traced.h */
};

/* These modes share the counting path (heap/counting.h), unless others are on. */
#define MODES_COUNTED (MODE_GUARD | MODE_SAMPLE | MODE_COUNT)

/* In these modes blocks can be allocated only while a lock is held, so no signal may interrupt its
 * holder. guard=1 is also such a mode, because it guards each block (process/modes.c). */
#define MODES_THAT_NEED_LOCK (MODE_FULL | MODE_HARD)

/* Raises the mapping threshold above the size of a mapped block that was freed, as glibc documents,
 * but to a power of two. May race with other threads. */
void settings_adapt_threshold(size_t freed_bytes);

#endif
