/*
 * mallow explain: where the resident memory of a process is, and why.
 *
 * explain_look.c measures, explain_verdict.c judges, and explain_print.c and explain_json.c print.
 */
#ifndef MALLOW_EXPLAIN_H
#define MALLOW_EXPLAIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The parts that resident memory is split into. */
enum explain_part {
    PART_LIVE,
    PART_ROUNDING,
    PART_CACHED,
    PART_HELD,
    PART_PINNED,
    PART_TRIMMABLE,
    PART_METADATA,
    PART_GUARDED,
    PART_HEAP, /* at the program break, of another allocator */
    PART_OWN,
    PART_SURPLUS,
    PART_STACKS,
    PART_DATA,
    PART_CODE,
    PART_FILES,
    PART_SHARED,
    PART_OTHER,
    PART_ANONYMOUS, /* all private memory, if the process may not be inspected */
    PARTS
};

struct explain_name {
    const char *name;  /* in JSON */
    const char *label; /* for people */
};
extern const struct explain_name explain_part_names[PARTS];

/* A moment. Amounts are bytes. */
struct explain_look {
    double seconds; /* since the first look */
    uint64_t parts[PARTS];
    uint64_t resident;   /* the kernel's figure, which the parts are compared with */
    int64_t unexplained; /* the resident memory that is in no part; may be negative */
    uint64_t swapped;
    uint64_t shared_dirty, private_dirty;
    uint64_t mappings, threads;
    uint64_t live_blocks, live_bytes; /* all live blocks, resident or not */
    uint64_t mapped_blocks;           /* those of them with their own mapping */
    uint64_t huge;                    /* huge pages of private memory */
};

struct explain_class {
    uint64_t slot_bytes, live_slots, live_bytes, pinned_bytes;
};
#define EXPLAIN_CLASSES 128

/* The file or shared memory with the most resident memory. */
struct explain_file {
    char *path; /* printable; NULL if there is none */
    uint64_t bytes;
};

/* A function whose blocks grow, or pin pages. */
struct explain_site {
    char *function, *place, *module; /* printable; "" if unknown */
    double bytes, error;             /* and half of the 95 % interval */
};
#define EXPLAIN_SITES 3

/* Blocks that no pointer leads to. */
struct explain_lost {
    bool is_known;
    uint64_t blocks, bytes;
    char *site; /* of the largest group: "function (file:line)", or NULL */
};

#define EXPLAIN_LOOKS 9

struct explanation {
    pid_t process;
    char program[64];
    char *executable;       /* its base name, or "" */
    bool is_on_mallow;      /* the process answers requests */
    char *why_not;          /* else the reason */
    bool is_readable;       /* this user may read the process's mappings */
    bool is_rounding_bound; /* PART_ROUNDING is an upper bound, not an estimate */
    double zero_share;      /* of the huge pages that were sampled; negative if there are none */
    struct explain_look looks[EXPLAIN_LOOKS];
    size_t count;
    struct explain_class classes[EXPLAIN_CLASSES]; /* at the last look, those with slots */
    size_t class_count;
    struct explain_file file, shared; /* at the last look */
    struct explain_site growing[EXPLAIN_SITES], surviving[EXPLAIN_SITES];
    size_t growing_count, surviving_count;
    bool was_sampling;  /* sampling was on before */
    bool is_sampling;   /* it was turned on for the looks */
    char *why_no_sites; /* why there are no sites, or NULL */
    struct explain_lost lost;
    uint64_t peak;          /* of resident memory */
    uint64_t mapping_limit; /* vm.max_map_count */
    pid_t relative;         /* a parent or child that executes the same program, or 0 */
};

/* Returns the time since its first call. */
double explain_seconds(void);

/* Takes a look and appends it. Ends the command with a message if the process has ended. */
void explain_look(struct explanation *explanation);

/* Returns the difference of an amount between two looks, and the last look. */
static inline const struct explain_look *explain_last(const struct explanation *explanation) {
    return &explanation->looks[explanation->count - 1];
}
int64_t explain_change(const struct explanation *explanation, enum explain_part part);

/* Returns the share of the resident memory's huge pages that are zero, from a sample of them, or a
 * negative number if there are none or they cannot be read. */
struct address_space;
double explain_zero_share(const struct address_space *space);

/* Turns sampling on if it is off. Stores the growing sites, and turns it off again if it was. */
void explain_begin_sites(struct explanation *explanation);
void explain_end_sites(struct explanation *explanation);

/* Finds the lost blocks. Pauses the process for a moment. */
void explain_find_lost(struct explanation *explanation);

/* ---- the verdict ---- */

struct verdict {
    const char *name; /* in JSON, such as "leak" */
    char text[1024];  /* one or two sentences */
};
#define VERDICTS 4

/* Returns true if live blocks, or what else the sites tell, seem to grow between the looks. */
bool explain_is_growing(const struct explanation *explanation);

/* Stores the verdicts, the most important one first. Returns their number, which is not 0. */
size_t explain_judge(const struct explanation *explanation, struct verdict verdicts[VERDICTS]);

int explain_print(const struct explanation *explanation, const struct verdict *verdicts,
                  size_t count);
int explain_print_json(const struct explanation *explanation, const struct verdict *verdicts,
                       size_t count);

#endif
