/* A model of the slabs of two heaps: it holds the expected state of every slot. */
#ifndef SLAB_MODEL_H
#define SLAB_MODEL_H

#include "unit.h"

#include "heap/heap.h"
#include "heap/slab.h"

enum { HEAPS = 2, SLABS = 8, GRANULES = 256, NOBODY = -1 };

extern struct heap heaps[HEAPS];
extern unsigned tested_class; /* of all slabs of a round */

/* The expected state of a slab. */
extern struct model {
    struct slab *slab; /* NULL if the entry is unused */
    int owner;
    uint32_t slots, bytes;
    uint8_t states[GRANULE / UNIT + CACHE_LINE];
} models[SLABS];

/* The heap on whose list of pending slabs a granule's descriptor is. */
extern int pending_on[GRANULES];

struct magazine *magazine_of(int heap);

bool is_available(uint8_t state);
uint32_t count_available(const struct model *model);
uint32_t count_slots(const struct model *model);
struct model *model_of(const struct slab *slab);
struct model *model_of_state(const _Atomic uint8_t *state);
uint8_t *expected_state(const struct magazine_entry *entry);

/* Returns the magazine entry of a slot. Its slab may have several granules. */
struct magazine_entry entry_of(const struct model *model, uint32_t slot);

/* Puts the slab on its owner's list of pending slabs, unless it is on a list. */
void announce(const struct model *model);

/* Returns a cached slot to its slab. */
void make_available(const struct magazine_entry *entry);

/* Empties the heap's list of pending slabs. Those that now belong to the other heap go on its
 * list. */
bool collect_model(int heap);

/* Checks everything that must hold after each step. */
void check_all(void);

unsigned times_kept(const struct heap *heap, const struct slab *slab);

/* Checks that each empty slab was retired, or kept if `may_keep` is true. */
void settle(bool may_keep);

#endif
