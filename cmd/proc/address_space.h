/* The address space of a process: its mappings, what each of them is, and its figures. Everything
 * comes from /proc, so the process need not run on Mallow. */
#ifndef MALLOW_ADDRESS_SPACE_H
#define MALLOW_ADDRESS_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* The figures of a mapping, in bytes, as /proc/PID/smaps has them. */
enum figure {
    FIGURE_SIZE,
    FIGURE_RSS,
    FIGURE_PSS,
    FIGURE_PSS_DIRTY,
    FIGURE_SHARED_CLEAN,
    FIGURE_SHARED_DIRTY,
    FIGURE_PRIVATE_CLEAN,
    FIGURE_PRIVATE_DIRTY,
    FIGURE_REFERENCED,
    FIGURE_ANONYMOUS,
    FIGURE_KSM,
    FIGURE_LAZY_FREE,
    FIGURE_ANON_HUGE,
    FIGURE_SHMEM_HUGE,
    FIGURE_FILE_HUGE,
    FIGURE_SHARED_HUGETLB, /* not part of FIGURE_RSS */
    FIGURE_PRIVATE_HUGETLB,
    FIGURE_SWAP,
    FIGURE_SWAP_PSS,
    FIGURE_LOCKED, /* the part of FIGURE_PSS that is locked */
    FIGURES
};

struct figures {
    uint64_t of[FIGURES];
};

/* Returns the name of a figure in JSON, such as "private_dirty". */
const char *figure_name(enum figure figure);

/* Adds `more` to the sum, figure by figure. */
void figures_add(struct figures *sum, const struct figures *more);

enum region_kind {
    REGION_PROGRAM_TEXT,
    REGION_PROGRAM_RODATA,
    REGION_PROGRAM_DATA, /* with the data that is read-only after relocation */
    REGION_PROGRAM_BSS,
    REGION_LIBRARY_TEXT,
    REGION_LIBRARY_RODATA,
    REGION_LIBRARY_DATA,
    REGION_LIBRARY_BSS,
    REGION_BREAK,           /* [heap], between the start of the heap and the program break */
    REGION_MALLOW_HEAP,     /* slabs and runs of blocks */
    REGION_MALLOW_METADATA, /* descriptors, states, magazines */
    REGION_MALLOW_PROFILE,  /* samples, and data that a profile needs with them */
    REGION_MALLOW_STACKS,   /* the stacks of blocks */
    REGION_MALLOW_BLOCK,    /* large blocks with mappings of their own */
    REGION_MALLOW_GUARDED,  /* blocks between guard pages */
    REGION_MAIN_STACK,
    REGION_THREAD_STACK,
    REGION_ANONYMOUS,
    REGION_FILE_PRIVATE,
    REGION_FILE_SHARED,
    REGION_SHARED_MEMORY, /* /dev/shm, memfd, System V, shared anonymous */
    REGION_JIT,           /* executable memory without a file */
    REGION_DEVICE,
    REGION_KERNEL,   /* [vdso], [vvar], [vsyscall] */
    REGION_GUARD,    /* inaccessible and at most GUARD_MAX bytes */
    REGION_RESERVED, /* inaccessible and larger */
    REGION_KINDS
};

#define GUARD_MAX ((uint64_t)1 << 20)

/* Returns the name of a kind for people and in JSON, such as "library text". */
const char *region_kind_name(enum region_kind kind);

struct region {
    uint64_t start, end; /* addresses */
    uint64_t offset;     /* of the start, in the file */
    uint64_t inode;      /* 0: there is no file */
    uint64_t page_size;  /* larger than usual for hugetlb pages; 0: unknown */
    struct figures figures;
    enum region_kind kind;
    char permissions[5];        /* such as "rw-p" */
    bool is_huge_eligible;      /* the kernel may use transparent huge pages */
    bool is_deleted;            /* the file has no name any more */
    unsigned device;            /* of the file: major << 20 | minor */
    pid_t thread;               /* of a stack: the thread that uses it, or 0 if it is unknown */
    unsigned thread_count;      /* threads whose stack pointers are in this region */
    const char *path;           /* or a name in brackets; "" if there is none. The kernel escapes
                                 * newlines; other control characters are as they are. */
    const char *anonymous_name; /* "heap x" of [anon:heap x], or NULL */
    const char *flags;          /* VmFlags, such as "rd wr mr mw me ac"; "" if unknown */
};

/* All regions of a kind. */
struct region_sum {
    enum region_kind kind;
    size_t regions;
    struct figures figures;
};

/* A thread of the process. */
struct thread {
    pid_t id;
    uint64_t stack_pointer; /* 0: unknown, because it is running or may not be inspected */
    char name[32];          /* printable */
};

/* The memory of a program or library that has no file: its bss and what is around it. */
struct bss {
    uint64_t start; /* end of the data that comes from the file */
    uint64_t end;
};

struct address_space {
    pid_t process;
    struct region *regions; /* sorted by address */
    size_t count;
    size_t mapping_count;   /* of the kernel; some are divided into several regions */
    uint64_t program_inode; /* of the program's file; 0: unknown */
    unsigned program_device;
    struct thread *threads; /* sorted by ID */
    size_t thread_count;
    struct figures total;  /* of all regions */
    struct figures rollup; /* /proc/PID/smaps_rollup, read after the regions */
    bool has_figures;      /* false: only /proc/PID/maps was readable */
    bool has_rollup;       /* smaps_rollup was readable */
    uint64_t break_start;  /* start of the heap at the break; 0: unknown */
    uint64_t break_end;    /* the program break; 0: unknown */
    uint64_t started;      /* when the process started, in clock ticks since the system did */
    uint64_t stack_start;  /* address of the first stack, which each exec chooses at random */
    uint64_t stack_limit;  /* RLIMIT_STACK, or 0 if there is no limit or it is unknown */
    struct bss *bss;       /* sorted by address */
    size_t bss_count;
    char **strings; /* what `path` and `flags` point to */
    size_t string_count;
};

enum address_space_result {
    ADDRESS_SPACE_READ,
    ADDRESS_SPACE_DENIED, /* this user may not inspect the process */
    ADDRESS_SPACE_NONE,   /* the process has ended, or is a kernel thread */
};

/* Reads the address space of the process, which goes on running, so that the figures of two regions
 * can be from different moments. The caller frees it, whatever the result. */
enum address_space_result address_space_read(struct address_space *space, pid_t process);
void address_space_free(struct address_space *space);

/* Make an address space from regions that are added by address: those of a profile. `inode` then
 * need only be the same for the same file. */
void address_space_add(struct address_space *space, struct region region, const char *path);
void address_space_finish(struct address_space *space);

/* Returns the region that contains the address, or NULL. */
struct region *address_space_find(const struct address_space *space, uint64_t address);

/* Returns the thread with this ID, or NULL. */
const struct thread *address_space_thread(const struct address_space *space, pid_t id);

/* True if VmFlags contain the two letters, such as "lo" for locked memory. */
bool region_has_flag(const struct region *region, const char *flag);

static inline uint64_t region_bytes(const struct region *region) {
    return region->end - region->start;
}
static inline bool region_is_shared(const struct region *region) {
    return region->permissions[3] == 's';
}
static inline bool region_is_inaccessible(const struct region *region) {
    return region->permissions[0] == '-' && region->permissions[1] == '-' &&
           region->permissions[2] == '-';
}

/* Divides the regions at the addresses, which are sorted. The kernel joins neighbouring anonymous
 * mappings, whoever made them. What is resident or swapped is divided by /proc/PID/pagemap, and the
 * other figures in the same proportion. Sums stay as they are. */
void address_space_split(struct address_space *space, const uint64_t *addresses, size_t count);

/* Adds up the regions of each kind. */
void address_space_sum_kinds(const struct address_space *space,
                             struct region_sum sums[REGION_KINDS]);

/* A range of addresses that the library has mapped (mallow(7), CONTROL). */
struct mallow_range {
    uint64_t start, end;
    enum region_kind kind;
};

/* Parses a line of the answer to the request "map", such as "block 0x7f00 0x7fff". Returns false if
 * it is no range. */
bool mallow_range_parse(const char *line, struct mallow_range *range);

/* Gives the regions in the ranges their kinds, and divides regions that belong to a range in part.
 * Sorts and joins the ranges. Ignores what is not anonymous, because the answer of a process can be
 * wrong. */
void address_space_mark(struct address_space *space, struct mallow_range *ranges, size_t count);

/* Parts of address_space_read: they find out what the regions are, and which threads use them. */
void address_space_read_program(struct address_space *space);
void address_space_find_bss(struct address_space *space);
void address_space_classify(struct address_space *space);
void address_space_read_threads(struct address_space *space);
void address_space_find_stacks(struct address_space *space);

/* Returns the index after the last of the neighbouring regions that have the same file as the
 * region `begin`. *is_loaded: some of them are executable, as in a program or library. */
size_t address_space_file_end(const struct address_space *space, size_t begin, bool *is_loaded);

/* Returns the end of the bss that begins at the address. Returns the address itself if there is no
 * bss, or UINT64_MAX if that is unknown. */
uint64_t address_space_bss_end(const struct address_space *space, uint64_t start);

#endif
