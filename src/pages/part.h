/* Parts of the address space, each of which becomes accessible from its start upwards. Callers
 * of part_grow, part_grow_towards, part_skip and part_shrink hold the global lock. */
#ifndef MALLOW_PART_H
#define MALLOW_PART_H

#include <stdbool.h>
#include <stddef.h>

enum growth {
    GROW_MAPPED,    /* by mapping free addresses as far as they are used */
    GROW_COMMITTED, /* by making a reservation accessible */
    GROW_BREAK,     /* by the program break; GROW_MAPPED once the break cannot move */
};

struct part {
    char *start;
    size_t accessible; /* bytes */
    size_t limit;      /* bytes it may have */
    size_t asked_for;  /* bytes: more than `accessible` during a system call, see part_repair */
    size_t lowest;     /* bytes that stay: those of the break, once mappings follow them */
    enum growth by;
    bool huge_pages; /* the system is advised to use huge pages for it */
    bool occupied;   /* the last step failed because something else is mapped there */
};

/* Makes at least the first `bytes` bytes of the part accessible; false when that is refused. */
bool part_grow(struct part *part, size_t bytes);

/* Like part_grow, but tries a step to `wish` bytes first. */
bool part_grow_towards(struct part *part, size_t bytes, size_t wish);

/* Extends the part by the first `kept` bytes of a mapping of `bytes` bytes, whose pages move there,
 * and unmaps the rest of it. Returns false, with no page moved, if that is refused. */
bool part_adopt(struct part *part, char *start, size_t bytes, size_t kept);

/* Returns the number of bytes that the next step should add. */
size_t part_step(const struct part *part);

/* Unmaps the whole part, after the start of another part has failed. */
void part_undo(struct part *part);

/* Gives back all but the first `bytes` bytes of the part; the rest must be unused. False when there
 * is no rest, or the system refuses. */
bool part_shrink(struct part *part, size_t bytes);

/* Cleans up after a part_grow that never finished: memory that was mapped but not counted would
 * block the part for good. */
void part_repair(struct part *part);

/* Makes `bytes` bytes accessible after foreign memory that blocks the part. The foreign memory then
 * counts as accessible. Returns the offset of the bytes in the part, or 0. */
size_t part_skip(struct part *part, size_t bytes);

/* Returns memory at the end of the part to the system; false when that is refused. */
bool part_give_back(struct part *part, char *start, size_t bytes);

/* Advises the system to use huge pages for these bytes, if the part may have them. */
void part_advise(const struct part *part, size_t from, size_t to);

#endif
