/*
 * What the coder and the decoder of events know: both predict the members of the next event from
 * the events before it, and the file has little more than where the predictions fail. A group of
 * frames begins with an empty model, so that it can be read without those before it.
 *
 * All tables are indexed by hashes. A collision only makes a prediction worse, because both sides
 * have the same one. mallow-trace(5) describes the model for other readers, so a change of it is a
 * change of the format.
 */
#ifndef MALLOW_TRACE_MODEL_H
#define MALLOW_TRACE_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "mallow/trace.h"
#include "trace_bytes.h"

#define TRACE_GROUP_EVENTS 65536u /* of all frames of a group, at most */
#define TRACE_CONTEXTS 4096u
#define TRACE_THREADS 64u
#define TRACE_PLACES 1024u
#define TRACE_DEPTH 14u /* freed addresses that are remembered for each place */

/* The columns of a frame. Each has one member of all events. */
enum trace_column {
    TRACE_COLUMN_KIND,   /* bytes: kind, TRACE_KIND_CAUSED, TRACE_KIND_PLAIN */
    TRACE_COLUMN_THREAD, /* pairs of numbers: events of the thread, and the next thread */
    TRACE_COLUMN_TIME,
    TRACE_COLUMN_STACK,
    TRACE_COLUMN_SIZE,
    TRACE_COLUMN_COUNT,
    TRACE_COLUMN_ADDRESS, /* of new blocks */
    TRACE_COLUMN_OLD,     /* blocks that are freed or resized */
    TRACE_COLUMN_FAR,     /* the addresses of those that are older than the group */
    TRACE_COLUMN_PLACE,   /* and their classes */
    TRACE_COLUMN_PLAIN,   /* all members of other events */
    TRACE_COLUMNS
};

#define TRACE_KIND_MASK 0x3fu
#define TRACE_KIND_CAUSED 0x40u /* is_caused */
/* The members are in the column PLAIN. Those of a system call always are, and the bit is clear if
 * it follows its cause. */
#define TRACE_KIND_PLAIN 0x80u

/* Codes of new addresses. 0 to TRACE_DEPTH - 1: one of those that were freed last. */
enum trace_address_code {
    TRACE_ADDRESS_STRIDE =
        TRACE_DEPTH,          /* as far from the last one as that is from the one before */
    TRACE_ADDRESS_SAME,       /* that of the resized block */
    TRACE_ADDRESS_RAW,        /* the address follows */
    TRACE_ADDRESS_DIFFERENCE, /* + the folded distance from the last one in units of 8 bytes */
};

/* Codes of old addresses. */
enum trace_old_code {
    TRACE_OLD_PREDICTED,
    TRACE_OLD_FAR,  /* older than the group */
    TRACE_OLD_NONE, /* NULL */
    TRACE_OLD_AGE,  /* + the number of allocations since the block's */
};

struct trace_thread_state {
    uint64_t time;
    uint64_t size;
    uint32_t stack, stack_before;
    uint32_t age;
    bool is_known; /* the time */
};

/* What is known about blocks of similar size of one thread. */
struct trace_place {
    uint64_t last, stride; /* the last new address, and how far it was from the one before */
    uint64_t freed[TRACE_DEPTH];
    uint32_t count; /* in `freed`, the newest last */
};

/* An allocation in the group. */
struct trace_made {
    uint64_t address, size;
    uint32_t size_class;
};

struct trace_model {
    uint64_t time; /* of the last event, in units of the resolution */
    uint64_t far;  /* the last address in the column FAR */
    uint64_t plain;
    uint32_t thread;
    uint32_t events, allocations; /* in the group */
    struct trace_thread_state threads[TRACE_THREADS];
    uint32_t stacks[2][TRACE_CONTEXTS];
    uint64_t sizes[2][TRACE_CONTEXTS];
    uint64_t counts[TRACE_CONTEXTS];
    uint32_t ages[TRACE_CONTEXTS];
    struct trace_place places[TRACE_PLACES];
    struct trace_made made[TRACE_GROUP_EVENTS];
};

/* Empties the model. */
void trace_model_reset(struct trace_model *model);

static inline struct trace_thread_state *trace_model_thread(struct trace_model *model) {
    return &model->threads[model->thread % TRACE_THREADS];
}

/* Returns an index of a table for two numbers. */
static inline uint32_t trace_model_hash(uint64_t a, uint64_t b) {
    uint64_t product = (a * 0x9e3779b97f4a7c15u ^ b) * 0xff51afd7ed558ccdu;
    return (uint32_t)(product >> 52);
}

/* Sizes of one class are likely to use the same addresses: steps of 16 bytes up to 256, then eight
 * classes per doubling. */
static inline uint32_t trace_size_class(uint64_t size) {
    if (size <= 256) return (uint32_t)((size + 15) / 16);
    unsigned e = 63u - (unsigned)__builtin_clzll(size - 1);
    return 17 + (e - 8) * 8 + (uint32_t)((size - 1) >> (e - 3) & 7);
}

static inline struct trace_place *trace_model_place(struct trace_model *model,
                                                    uint32_t size_class) {
    return &model->places[trace_model_hash(model->thread, size_class) % TRACE_PLACES];
}

/* Takes an address that is `depth` below the newest one. */
static inline uint64_t trace_place_take(struct trace_place *place, uint32_t depth) {
    uint32_t index = place->count - 1 - depth;
    uint64_t address = place->freed[index];
    place->count--;
    for (; index < place->count; index++) place->freed[index] = place->freed[index + 1];
    return address;
}

static inline void trace_place_give(struct trace_place *place, uint64_t address) {
    if (place->count == TRACE_DEPTH) {
        place->count--;
        memmove(place->freed, place->freed + 1, place->count * sizeof place->freed[0]);
    }
    place->freed[place->count++] = address;
}

/* Records a new block. */
static inline void trace_model_allocate(struct trace_model *model, struct trace_place *place,
                                        uint64_t address, uint64_t size, uint32_t size_class) {
    place->stride = address - place->last;
    place->last = address;
    model->made[model->allocations++] = (struct trace_made){address, size, size_class};
}

/* True if the event's members are in the columns of allocations and frees. */
static inline bool trace_has_size(uint8_t kind) {
    return mallow_trace_is_allocation(kind) || kind == MALLOW_TRACE_FREE_SIZED ||
           kind == MALLOW_TRACE_FREE_ALIGNED_SIZED || kind == MALLOW_TRACE_DELETE ||
           kind == MALLOW_TRACE_DELETE_ARRAY;
}

static inline bool trace_has_count(uint8_t kind) {
    return kind != MALLOW_TRACE_MALLOC && kind != MALLOW_TRACE_REALLOC &&
           kind != MALLOW_TRACE_VALLOC && kind != MALLOW_TRACE_PVALLOC &&
           kind != MALLOW_TRACE_FREE && kind != MALLOW_TRACE_FREE_SIZED;
}

#endif
