/*
 * Reads trace files: mallow-trace(5). `mallow run --trace` and `mallow import` write them.
 *
 *     struct mallow_trace *trace = mallow_trace_open("FILE", 0);
 *     const struct mallow_trace_event *event;
 *     while ((event = mallow_trace_next(trace)) != NULL)
 *         if (event->kind == MALLOW_TRACE_MALLOC) bytes += event->size;
 *     if (mallow_trace_error(trace) != NULL) errx(1, "%s", mallow_trace_error(trace));
 *     mallow_trace_close(trace);
 *
 * A trace is a sequence of events: calls of the malloc family, system calls that change the address
 * space, and what happens to processes and threads. The events of a thread are in the order in
 * which they happened, and a block is allocated before another thread frees it. Otherwise the order
 * is that of time, as far as the recorder knows it.
 *
 * A file can be cut off at any byte, because programs and recorders are killed. All complete parts
 * of it are read, and damaged parts are skipped and counted.
 *
 * A reader takes memory for the live blocks, for unique stacks and for a few thousand events. Each
 * thread may use readers of its own.
 */
#ifndef MALLOW_TRACE_H
#define MALLOW_TRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/* ---- events ---- */

enum mallow_trace_kind {
    /* Calls of the malloc family. `address` is the result, or NULL: the call failed, or had nothing
     * to return. */
    MALLOW_TRACE_MALLOC = 1,
    MALLOW_TRACE_CALLOC,         /* count: the number of elements; size: that of one element */
    MALLOW_TRACE_REALLOC,        /* old_address */
    MALLOW_TRACE_REALLOCARRAY,   /* old_address; count and size as for calloc */
    MALLOW_TRACE_ALIGNED_ALLOC,  /* count: the alignment */
    MALLOW_TRACE_MEMALIGN,       /* the same */
    MALLOW_TRACE_POSIX_MEMALIGN, /* the same */
    MALLOW_TRACE_VALLOC,
    MALLOW_TRACE_PVALLOC,
    MALLOW_TRACE_NEW,       /* count: the alignment, or 0 */
    MALLOW_TRACE_NEW_ARRAY, /* the same */
    /* Frees. `old_address` is the block, which is not NULL. */
    MALLOW_TRACE_FREE = 16,
    MALLOW_TRACE_FREE_SIZED,         /* size: as passed */
    MALLOW_TRACE_FREE_ALIGNED_SIZED, /* size, count: size and alignment as passed */
    MALLOW_TRACE_DELETE,             /* size, count: as passed, or 0 */
    MALLOW_TRACE_DELETE_ARRAY,       /* the same */
    MALLOW_TRACE_TRIM = 24,          /* malloc_trim: size is its argument, count its result */
    /* System calls. `error` is errno, or 0. */
    MALLOW_TRACE_MMAP = 32, /* old_address: as passed; address: the result; size, protection, flags;
                             * count: the offset in a file */
    MALLOW_TRACE_MUNMAP,    /* address, size */
    MALLOW_TRACE_MREMAP,    /* old_address, count: the old size; address: the result; size, flags */
    MALLOW_TRACE_BRK,       /* old_address: as passed; address: the result */
    MALLOW_TRACE_MPROTECT,  /* address, size, protection */
    MALLOW_TRACE_MADVISE,   /* address, size; flags: the advice */
    /* Processes, threads, and the recording. */
    MALLOW_TRACE_THREAD_START = 48,
    MALLOW_TRACE_THREAD_END,
    MALLOW_TRACE_FORK, /* count: the number of the new process, which has a copy of all blocks */
    MALLOW_TRACE_EXEC, /* count: the number of the new process, which has no blocks */
    MALLOW_TRACE_EXIT, /* count: the status, as wait(2) stores it */
    MALLOW_TRACE_RESIDENT, /* size: the resident set of the process in bytes; count: the part of it
                            * that is in no file and not shared, or 0: unknown */
    MALLOW_TRACE_LOST,     /* count: the number of events that were not recorded here */
    MALLOW_TRACE_PAUSE,    /* recording was switched off: events are missing until RESUME */
    MALLOW_TRACE_RESUME,
    MALLOW_TRACE_KINDS /* at most 64 */
};

struct mallow_trace_event {
    uint64_t time; /* nanoseconds since the start of the trace */
    uint64_t address, old_address;
    uint64_t size, count;     /* see the kinds */
    uint32_t thread, process; /* their numbers in the trace; process is 0 if thread is 0 */
    uint32_t stack;           /* the number of the innermost frame; 0: unknown */
    uint32_t protection, flags;
    uint16_t error; /* errno of the call, or 0 */
    uint8_t kind;   /* enum mallow_trace_kind */
    /* This system call was made by a call of the malloc family. Its event is the next one of this
     * thread that is not a system call or, if it follows its cause, the last one: a block can be
     * allocated again as soon as it is free, so a free is recorded before it gives pages back. */
    bool is_caused, follows_cause;
};

static inline bool mallow_trace_is_allocation(uint8_t kind) {
    return kind >= MALLOW_TRACE_MALLOC && kind <= MALLOW_TRACE_NEW_ARRAY;
}

static inline bool mallow_trace_is_free(uint8_t kind) {
    return kind >= MALLOW_TRACE_FREE && kind <= MALLOW_TRACE_DELETE_ARRAY;
}

static inline bool mallow_trace_is_resize(uint8_t kind) {
    return kind == MALLOW_TRACE_REALLOC || kind == MALLOW_TRACE_REALLOCARRAY;
}

static inline bool mallow_trace_is_system_call(uint8_t kind) {
    return kind >= MALLOW_TRACE_MMAP && kind <= MALLOW_TRACE_MADVISE;
}

/* Returns the number of bytes that the call requests. */
static inline uint64_t mallow_trace_bytes(const struct mallow_trace_event *event) {
    bool is_array = event->kind == MALLOW_TRACE_CALLOC || event->kind == MALLOW_TRACE_REALLOCARRAY;
    return is_array ? event->size * event->count : event->size;
}

/* Returns the name of the function, or another name for the kind; "?" if it is unknown. */
const char *mallow_trace_kind_name(uint8_t kind);

/* ---- facts and tables ---- */

/* How the trace was made. */
struct mallow_trace_facts {
    uint64_t start;        /* CLOCK_REALTIME in nanoseconds */
    const char *allocator; /* "mallow", "glibc", or the path of a library; "": unknown */
    const char *machine;   /* as `uname -srm` prints it */
    const char *recorder;  /* "mallow 0.1.0", or the tool whose file was imported */
    uint32_t page_size;    /* bytes; 0: unknown */
    uint32_t processors;   /* that were online; 0: unknown */
    uint32_t resolution; /* nanoseconds: all times are multiples of it; 0 if a writer may choose */
    bool has_stacks;
};

/* The tables that events refer to. Numbers begin with 1. A process that executes another program
 * becomes another process here. Text of a trace can contain any character except '\0'. */
struct mallow_trace_process {
    uint32_t pid;
    uint32_t parent;        /* the number of the process that forked or executed it; 0: none */
    bool is_fork;           /* it was forked, and has the parent's stacks and modules */
    const char *program;    /* the path of the executable; "": unknown */
    const char *arguments;  /* each ends with '\0' */
    size_t arguments_bytes; /* of all arguments */
};

struct mallow_trace_thread {
    uint32_t process;
    uint32_t tid;
    const char *name;
};

/* A file that was mapped with the permission to execute it. */
struct mallow_trace_module {
    uint32_t process;
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start in the file */
    const char *path;
    const uint8_t *id; /* the build ID */
    size_t id_bytes;   /* 0: unknown */
};

/* A frame of a stack. Stacks share their outer frames. */
struct mallow_trace_frame {
    uint64_t pc;     /* the return address */
    uint32_t caller; /* the number of the next outer frame; 0: none */
    uint32_t module; /* the number of the module of pc; 0: unknown */
    uint32_t symbol; /* the number of its symbol; 0: the module's file says it */
};

/* The name of a frame in a trace that was imported. A function that is inlined has a frame of its
 * own, with the pc of its caller. */
struct mallow_trace_symbol {
    const char *function; /* demangled; "": unknown */
    const char *file;     /* of the source; "": unknown */
    uint32_t line;        /* 0: unknown */
    bool is_inlined;      /* into the caller */
};

/* A live block. */
struct mallow_trace_block {
    uint64_t address, size;
    uint64_t time;  /* of the allocation */
    uint64_t event; /* the number of the event that allocated it */
    uint32_t thread, process, stack;
    uint8_t kind; /* of that event */
};

/* ---- reading ---- */

struct mallow_trace;

enum mallow_trace_flags {
    MALLOW_TRACE_LIVE = 1, /* keep the set of live blocks, which costs time and memory */
};

/* Opens a file. Returns NULL if there is no memory. Otherwise mallow_trace_error() says whether it
 * worked. */
struct mallow_trace *mallow_trace_open(const char *path, unsigned flags);

/* Closes the trace. Does nothing if it is NULL. */
void mallow_trace_close(struct mallow_trace *trace);

/* Returns what failed, which names the file, the place in it and a remedy, or NULL: nothing did.
 * "out of memory" if the trace is NULL. */
const char *mallow_trace_error(const struct mallow_trace *trace);

/* Returns what is missing from the file, as a sentence, or NULL: it is complete and undamaged as
 * far as it was read. */
const char *mallow_trace_damage(const struct mallow_trace *trace);

const struct mallow_trace_facts *mallow_trace_get_facts(const struct mallow_trace *trace);

/* Return the number of events, and the time of the last one in nanoseconds since the start. */
uint64_t mallow_trace_events(const struct mallow_trace *trace);
uint64_t mallow_trace_duration(const struct mallow_trace *trace);

/* Returns the next event, which is valid until the next call, or NULL at the end and after an
 * error. */
const struct mallow_trace_event *mallow_trace_next(struct mallow_trace *trace);

/* Returns the number of the event that mallow_trace_next() returns next. The first has number 0. */
uint64_t mallow_trace_position(const struct mallow_trace *trace);

/* Go to an event, or to the first event that is not before the time, or to the end if there is
 * none. The set of live blocks becomes the one before that event. Returns false after an error. */
bool mallow_trace_seek(struct mallow_trace *trace, uint64_t event);
bool mallow_trace_seek_time(struct mallow_trace *trace, uint64_t time);

/* ---- tables ---- */

/* Return the number of entries, and the entry with the number, or NULL: there is none. */
size_t mallow_trace_processes(const struct mallow_trace *trace);
size_t mallow_trace_threads(const struct mallow_trace *trace);
size_t mallow_trace_modules(const struct mallow_trace *trace);
size_t mallow_trace_frames(const struct mallow_trace *trace);
size_t mallow_trace_symbols(const struct mallow_trace *trace);
const struct mallow_trace_process *mallow_trace_process(const struct mallow_trace *trace,
                                                        uint32_t number);
const struct mallow_trace_thread *mallow_trace_thread(const struct mallow_trace *trace,
                                                      uint32_t number);
const struct mallow_trace_module *mallow_trace_module(const struct mallow_trace *trace,
                                                      uint32_t number);
const struct mallow_trace_frame *mallow_trace_frame(const struct mallow_trace *trace,
                                                    uint32_t number);
const struct mallow_trace_symbol *mallow_trace_symbol(const struct mallow_trace *trace,
                                                      uint32_t number);

/* ---- live blocks, with MALLOW_TRACE_LIVE ---- */

/* Return the number of live blocks of all processes before the next event, and their bytes. */
uint64_t mallow_trace_live_blocks(const struct mallow_trace *trace);
uint64_t mallow_trace_live_bytes(const struct mallow_trace *trace);

/* Returns the live block at the address, or NULL. It is valid until the next call that reads. */
const struct mallow_trace_block *mallow_trace_live_block(const struct mallow_trace *trace,
                                                         uint32_t process, uint64_t address);

/* Calls the function for each live block, in no particular order. */
void mallow_trace_each_live(const struct mallow_trace *trace,
                            void (*call)(const struct mallow_trace_block *block, void *context),
                            void *context);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
