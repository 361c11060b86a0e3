/* Stretches of address space that become accessible from their start upwards. */
#ifndef MALLOW_PART_H
#define MALLOW_PART_H

#include <stdbool.h>
#include <stddef.h>

enum growth {
    GROW_MAPPED,    /* mapped as far as it is used, where nothing else is */
    GROW_COMMITTED, /* made accessible in a reservation */
    GROW_BREAK,     /* by the program break; GROW_MAPPED once that is stuck */
};

/* What becomes accessible from its start upwards. */
struct part {
    char *start;
    size_t accessible; /* bytes */
    size_t limit;      /* bytes it may have */
    size_t asked_for;  /* bytes: beyond accessible while the system is asked, see part_repair */
    size_t lowest;     /* bytes that stay: of the break, once mappings follow them */
    enum growth by;
    bool huge_pages; /* the system is advised to use huge pages for it */
    bool occupied;   /* the last step failed because something else is mapped there */
};

/* Makes at least `bytes` from the start of the part accessible; false when refused. Under the
 * global lock. */
bool part_grow(struct part *part, size_t bytes);

/* Like part_grow, in a step to `wish` bytes; where that is refused, as far as is needed. */
bool part_grow_towards(struct part *part, size_t bytes, size_t wish);

/* Bytes that a step should make accessible beyond the present ones: steps grow with the part. */
size_t part_step(const struct part *part);

/* Takes back what was tried in vain. */
void part_undo(struct part *part);

/* Gives back what lies beyond the first `bytes` of the part, which nothing may use any more. False
 * when there is nothing, or the system refuses. Under the global lock. */
bool part_shrink(struct part *part, size_t bytes);

/* After a part_grow that was never finished: what was mapped but not yet counted would be in the
 * way for ever. */
void part_repair(struct part *part);

/* Makes `bytes` bytes accessible behind what somebody else has put in the way of the part, which
 * counts as accessible from then on. Returns their offset in the part, or 0. */
size_t part_skip(struct part *part, size_t bytes);

/* Returns memory at the end of the part to the system; false when that is refused. */
bool part_give_back(struct part *part, char *start, size_t bytes);

/* Advises huge pages for these bytes of the part, if it may have them. */
void part_advise(const struct part *part, size_t from, size_t to);

#endif
