/* The model of the slabs of two heaps: the state that is expected of every slot. */
#ifndef SLAB_MODEL_H
#define SLAB_MODEL_H

#include "unit.h"

#include "heap/heap.h"
#include "heap/slab.h"

enum { HEAPS = 2, SLABS = 8, GRANULES = 256, NOBODY = -1 };

extern struct heap heaps[HEAPS];
extern unsigned tested_class; /* of all slabs of a round */

/* What is expected of a slab. */
extern struct model {
    struct slab *slab; /* NULL: there is none */
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
uint8_t *expected_state(const struct entry *entry);

/* The entry of a slot; its slab may have several granules. */
struct entry entry_of(const struct model *model, uint32_t slot);

void announce(const struct model *model);

/* A cached slot goes back to its slab. */
void make_available(const struct entry *entry);

/* A slab that another heap has by now goes on to that one. */
bool collect_model(int heap);

/* What must always hold. */
void check_all(void);

unsigned times_kept(const struct heap *heap, const struct slab *slab);

/* An empty slab is kept, if it was `may_keep`, or has retired. */
void settle(bool may_keep);

#endif
