/*
 * Profiles in memory: what files in the format of mallow_profile.h contain.
 *
 * A profile has a section for each program that ran. A section has modules, stacks (a tree of
 * nodes), threads, and snapshots. A snapshot contains only the sites that changed since the
 * previous one, so the state at a moment results from all snapshots up to it. The records of sites
 * and of live samples stay where they are in the file's bytes, so the memory that a profile takes
 * is proportional to the size of the file.
 */
#ifndef MALLOW_PROFILE_READER_H
#define MALLOW_PROFILE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "common/index_map.h"
#include "mallow_profile.h"
#include "profiles/profile_blocks.h"
#include "profiles/profile_records.h"

/* The exit status for a file that cannot be read or is not a profile. */
#define EXIT_BAD_PROFILE 2

#define CLASSES_MAX 256

struct profile_module {
    uint64_t start, end, offset; /* as in the format */
    char *path;                  /* contains no control characters */
    const unsigned char *id;     /* the build ID */
    size_t id_bytes;
};

struct profile_node {
    uint64_t pc;
    uint32_t caller; /* an index; 0: none */
    uint32_t module; /* its index + 1; 0: unknown */
};

struct profile_thread {
    uint32_t id;
    char name[17]; /* contains no control characters */
};

struct profile_snapshot {
    struct mallow_profile_snapshot totals;
    uint64_t *class_blocks; /* live blocks of the first size classes; the others have none */
    size_t class_count;
    size_t first_records, end_records; /* in the section's list */
};

/* An allocation site: a stack, for blocks of one kind. */
struct profile_site {
    uint32_t node;   /* an index; 0: the stack is unknown */
    uint32_t number; /* the node's number in the file */
    bool large;
};

/* The function of a node of an imported trace, whose addresses are not those of a file. */
struct profile_name {
    char *function, *file; /* NULL: unknown */
    char *module;          /* "": unknown */
    uint64_t pc;
    int line;
    bool inlined;
};

/* The rate of a profile that has each block: one sample for each byte. */
#define MALLOW_PROFILE_EACH_BLOCK 1

struct profile_section {
    struct mallow_profile_process process;
    char *program;                     /* its path; contains no control characters */
    uint64_t class_bytes[CLASSES_MAX]; /* the sizes of the size classes, which ascend */
    size_t class_count;
    struct profile_module *modules;
    size_t module_count;
    uint32_t *mapped; /* indexes of the modules that no later one replaces, by address */
    size_t mapped_count;
    struct profile_node *nodes; /* callers before callees; index 0 is not used */
    size_t node_count;
    size_t placed_nodes; /* those of which the module is known, if there is one */
    struct profile_thread *threads;
    size_t thread_count;
    struct profile_block *records; /* of the types that are read when they are needed */
    size_t record_count;
    struct profile_snapshot *snapshots;
    size_t snapshot_count;
    struct profile_site *sites;
    size_t site_count;
    struct index_map node_numbers, site_numbers; /* to indexes; of sites: + 1 */
    struct index_map thread_numbers;             /* of IDs, to indexes + 1 */
    size_t invalid;                              /* records that contradict the format */
    uint32_t *stacks;                            /* of the nodes; stacks_add() fills it in */
    struct profile_name *names;
    size_t name_count;
    uint32_t *node_names; /* of the nodes: an index + 1, or 0; NULL: no node has a name */
    /* The snapshot that is being read. */
    struct profile_snapshot next;
    bool has_next;
};

struct profile {
    char *name;     /* of the file or process, for messages */
    pid_t process;  /* the process that passed it; 0: read from files */
    size_t damaged; /* blocks that were skipped */
    bool truncated; /* a file ends in the middle of a block */
    void *bytes;    /* that the sections point to and that profile_free() frees, or NULL */
    struct profile_section **sections;
    size_t count;
};

/* ---- reading ---- */

/* Reads a file and its children, which are named FILE.PID. Ends the command with a message and
 * EXIT_BAD_PROFILE if the file cannot be read or is not a profile. Warns of damaged blocks. */
struct profile *profile_read(const char *path);

/* Requests a profile of a running process. Ends the command with a message if that fails. */
struct profile *profile_request(pid_t process);

/* Does the same, and the profile describes the whole process. */
struct profile *profile_request_all(pid_t process);

/* Reads the profile that a running process has written to the file, which is closed. Stores the
 * profile, which profile_free() frees. Returns NULL, or the reason why it cannot be used, as the
 * rest of a sentence. */
const char *profile_take(pid_t process, int fd, struct profile **profile);

void profile_free(struct profile *profile);

/* Reads a profile from what the only operand names, a process or a file. */
struct profile *profile_of_operand(int argc, char **argv);

/* Returns true if the operand is a number, and so a process ID. */
bool profile_operand_is_process(const char *operand);

/* Removes the sections of other processes. Ends the command if none is left. */
void profile_select(struct profile *profile, unsigned long process);

/* Adds the sections of a file's bytes. Returns NULL, or the reason why they are not a profile. The
 * sections point to the bytes, which must stay. */
const char *profile_add_bytes(struct profile *profile, const unsigned char *bytes, size_t count);

/* ---- sections ---- */

/* Returns NULL if the block is not a valid PROCESS block. */
struct profile_section *profile_section_begin(const struct profile_block *block);

/* Adds what the block contains. Returns false if it contradicts the format. Such a block can be
 * part of another section, whose PROCESS block is damaged. */
bool profile_section_add(struct profile_section *section, const struct profile_block *block);
bool profile_section_add_modules(struct profile_section *section,
                                 const struct profile_block *block);

/* Returns the index of the module at the address, plus 1, or 0. */
uint32_t profile_section_module_at(const struct profile_section *section, uint64_t address);

/* Returns the index of the module of a node, plus 1, or 0. One that was recorded after the node
 * counts, too. */
uint32_t profile_section_module_of(const struct profile_section *section, size_t node);

/* ---- states ---- */

/* Return a cursor for the sites or the live samples in the section's records with that index. Start
 * with a site of zeros, and with the sample that is stored. */
struct profile_cursor profile_sites_of(const struct profile_section *section, size_t index);
struct profile_cursor profile_lives_of(const struct profile_section *section, size_t index,
                                       struct mallow_profile_live *live);

/* Returns the last snapshot with records of the type, or NULL. */
const struct profile_snapshot *profile_last_with(const struct profile_section *section,
                                                 enum mallow_profile_type type);

/* Returns a cursor for the section's records with that index, if they have the type. */
struct profile_cursor profile_records_of(const struct profile_section *section, size_t index,
                                         enum mallow_profile_type type);

/* Returns false if the record's stack is unknown, or a figure is no amount. */
bool profile_site_is_valid(const struct profile_section *section,
                           const struct mallow_profile_site *site);
bool profile_live_is_valid(const struct profile_section *section,
                           const struct mallow_profile_live *live);

/* Returns the index of the record's site, or -1 if the record is invalid. */
ssize_t profile_site_of(const struct profile_section *section,
                        const struct mallow_profile_site *site);

/* Returns the last snapshot at that moment (nanoseconds of CLOCK_REALTIME), or NULL. */
const struct profile_snapshot *profile_snapshot_at(const struct profile_section *section,
                                                   uint64_t moment);

/* Returns the records of all sites at the time of the snapshot, which the caller frees. */
struct mallow_profile_site *profile_state(const struct profile_section *section,
                                          const struct profile_snapshot *snapshot);

/* Returns true if the sites of one section have the same meaning in the other, as in two profiles
 * of a program that runs. */
bool profile_has_same_nodes(const struct profile_section *a, const struct profile_section *b);

/* Returns the profile's section of the same program and process, at another moment, or NULL. */
const struct profile_section *profile_find_same(const struct profile *profile,
                                                const struct profile_section *section);

/* Returns the time of the snapshot in nanoseconds of CLOCK_REALTIME. */
uint64_t profile_moment(const struct profile_section *section,
                        const struct profile_snapshot *snapshot);

/* Returns when the first section began and the last snapshot was taken. */
uint64_t profile_first_moment(const struct profile *profile);
uint64_t profile_last_moment(const struct profile *profile);

#endif
