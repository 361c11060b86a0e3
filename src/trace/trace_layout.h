/*
 * The memory in which a recorded program leaves the events of a trace for the command that writes
 * the file (cmd/trace/trace_drain.c). It is a file in memory that both have mapped, and so have the
 * processes that the program forks:
 *
 *     | struct trace_head | struct trace_ring 0 | 1 | ... | words of ring 0 | of ring 1 | ... |
 *
 * Each thread that records has a ring of its own, of which it is the only writer; the command is
 * the only reader. `tail` counts the words that were ever written and `head` those that were ever
 * read, so a word's place is its number modulo TRACE_RING_WORDS.
 *
 * The records, by their kind; those up to 63 are of enum mallow_trace_kind:
 *
 *     kinds             words
 *     allocations       head | address: 48 bits, size: 16 bits (TRACE_SIZE_APART: see next) |
 *                       old address (realloc) | size (if apart) | stack (if TRACE_HAS_STACK)
 *     frees             head | address: 48 bits, 0 | stack (if TRACE_HAS_STACK)
 *     other events      head | address | old address | size | count | protection, flags << 32 |
 *                       error | stack
 *     TRACE_NODE        head | return address | node, caller << 32: a new node of stacks
 *     TRACE_OWNER       head | process | pid, tid << 32 | process that forked it, or 0,
 *                       PID of the parent << 32: the ring has a new thread
 *     TRACE_LOST        head | number of events that were not recorded
 *     TRACE_RESIZING    head | address: another allocator begins to resize the block, and may free
 *                       it before the record of the resize
 *
 * The head has the kind (7 bits), TRACE_HAS_STACK, a detail (8 bits) and the time (48 bits). The
 * detail of an allocation is the binary logarithm of its alignment, or 0. A stack is the node of
 * its innermost frame.
 *
 * A free is recorded before the block is free, and an allocation after the block is allocated. If
 * the command has read when a thread allocated a block that another thread had freed, it can
 * therefore also read that free.
 */
#ifndef MALLOW_TRACE_LAYOUT_H
#define MALLOW_TRACE_LAYOUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TRACE_MAGIC 0x676e697277616c6dull
#define TRACE_VERSION 1u
#define TRACE_RINGS 1024u
#define TRACE_RING_WORDS ((uint64_t)32768) /* a power of two: 256 KiB */
#define TRACE_RECORD_WORDS 8u              /* of the longest record */
#define TRACE_LINE 128u                    /* two cache lines, which processors fetch together */

enum trace_kind { TRACE_NODE = 64, TRACE_OWNER, TRACE_LOST, TRACE_RESIZING };

#define TRACE_KIND 0x7fu
#define TRACE_HAS_STACK 0x80u
/* Details of a system call: the allocator made it, in a call whose event is recorded already. */
#define TRACE_CAUSED 1u
#define TRACE_FOLLOWS 2u
#define TRACE_DETAIL_SHIFT 8
#define TRACE_TIME_SHIFT 16
#define TRACE_SIZE_APART 0xffffu

/* What times count. */
enum trace_ticks { TRACE_NANOSECONDS, TRACE_COUNTER };

/* What the program does when a ring is full. */
enum trace_full { TRACE_WAIT, TRACE_DROP };

enum trace_reader {
    TRACE_READER_NONE,   /* no command reads, and nothing is recorded */
    TRACE_READER_READS,  /* a command reads */
    TRACE_READER_SILENT, /* the command has not read for seconds, so that the program does not wait
                            for it */
};

struct trace_head {
    uint64_t magic;
    uint32_t version, rings;
    uint32_t frames; /* that stacks have at most; 0: stacks are not recorded */
    uint32_t full;   /* enum trace_full */
    uint32_t ticks;  /* enum trace_ticks */

    _Alignas(TRACE_LINE) _Atomic uint32_t processes; /* the number of the last process */
    _Atomic uint64_t lost;                           /* events of threads that got no ring */

    /* The lock is the first word of a robust mutex that the command holds. When the command ends,
     * the kernel marks it with TRACE_ENDED. */
    _Alignas(TRACE_LINE) _Atomic uint32_t lock[16];
    _Atomic uint32_t reader; /* enum trace_reader */
    _Atomic uint32_t beat;   /* changes while the command reads */
    _Atomic int sleeps;      /* 1: the command waits until a program makes it 0 */
};

/* The kernel's mark in the words of threads that have ended (FUTEX_OWNER_DIED). */
#define TRACE_ENDED 0x40000000u

/* Laid out as struct owner (os/owner.h). */
struct trace_holder {
    _Atomic int thread; /* the thread's ID, or the kernel's mark */
    _Atomic uint64_t place;
    void *unused, *previous, *next;
};

struct trace_ring {
    struct trace_holder holder;
    _Atomic uint32_t taken; /* 1: a thread has the ring. The command makes it 0 again. */

    _Alignas(TRACE_LINE) _Atomic uint64_t tail; /* written by the program */
    _Atomic uint64_t lost;                      /* events that were ever dropped */

    _Alignas(TRACE_LINE) _Atomic uint64_t head; /* written by the command */
    _Atomic int waits; /* 1: the thread waits until the command makes it 0 */
};

#define TRACE_HEADS_BYTES \
    ((sizeof(struct trace_head) + TRACE_RINGS * sizeof(struct trace_ring) + 65535) / 65536 * 65536)
#define TRACE_RING_BYTES (TRACE_RING_WORDS * sizeof(uint64_t))
#define TRACE_AREA_BYTES(rings) (TRACE_HEADS_BYTES + (rings) * TRACE_RING_BYTES)

static inline struct trace_ring *trace_ring_at(struct trace_head *area, uint32_t i) {
    return (struct trace_ring *)(void *)(area + 1) + i;
}

static inline uint64_t *trace_ring_words(struct trace_head *area, uint32_t i) {
    return (uint64_t *)(void *)((char *)area + TRACE_HEADS_BYTES + i * TRACE_RING_BYTES);
}

/* Returns the number of words of the record that begins with these two words. */
static inline unsigned trace_record_words(uint64_t head, uint64_t second) {
    unsigned kind = (unsigned)head & TRACE_KIND, stack = (head & TRACE_HAS_STACK) != 0 ? 1u : 0u;
    unsigned apart = (second & 0xffff) == TRACE_SIZE_APART ? 1u : 0u;
    if (kind == TRACE_LOST || kind == TRACE_RESIZING) return 2;
    if (kind == TRACE_NODE) return 3;
    if (kind == TRACE_OWNER) return 4;
    if (kind >= 24) return TRACE_RECORD_WORDS;
    if (kind >= 16) return 2 + stack;
    return 2 + (kind == 3 /* realloc */ ? 1u : 0u) + apart + stack;
}

#endif
