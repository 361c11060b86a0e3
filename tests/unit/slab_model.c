#include "slab_model.h"

#include <string.h>

#include "heap/magazine.h"
#include "pages/pages.h"

struct heap heaps[HEAPS];
unsigned tested_class;
struct model models[SLABS];
int pending_on[GRANULES];

struct magazine *magazine_of(int heap) { return &heaps[heap].magazine[tested_class]; }

bool is_available(uint8_t state) { return state == SLOT_FRESH || state == SLOT_FREE; }

uint32_t count_available(const struct model *model) {
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < model->slots; slot++) count += is_available(model->states[slot]);
    return count;
}

uint32_t count_slots(const struct model *model) {
    uint32_t count = 0;
    for (uint32_t slot = 0; slot < model->slots; slot++) count += model->states[slot] != SLOT_NONE;
    return count;
}

struct model *model_of(const struct slab *slab) {
    for (int i = 0; i < SLABS; i++)
        if (models[i].slab == slab) return &models[i];
    return NULL;
}

struct model *model_of_state(const _Atomic uint8_t *state) {
    for (int i = 0; i < SLABS; i++)
        if (models[i].slab != NULL && state >= models[i].slab->state &&
            state < models[i].slab->state + models[i].slots)
            return &models[i];
    fail_msg("a state of no slab");
    return NULL;
}

uint8_t *expected_state(const struct magazine_entry *entry) {
    struct model *model = model_of_state(entry->state);
    size_t slot = (size_t)(entry->state - model->slab->state);
    assert_ptr_equal(entry->slot,
                     slab_slot_zero(model->slab) + slot * size_class_bytes(tested_class));
    return &model->states[slot];
}

struct magazine_entry entry_of(const struct model *model, uint32_t slot) {
    return (struct magazine_entry){slab_slot_zero(model->slab) +
                                       slot * size_class_bytes(tested_class),
                                   model->slab->state + slot};
}

void announce(const struct model *model) {
    int *pending = &pending_on[slab_granule(model->slab)];
    if (*pending == NOBODY) *pending = model->owner;
}

void make_available(const struct magazine_entry *entry) {
    uint8_t *state = expected_state(entry);
    *state = *state == SLOT_CACHED_FRESH ? SLOT_FRESH : SLOT_FREE;
}

static void harvest(struct model *model) {
    for (uint32_t slot = 0; slot < model->slots; slot++)
        if (model->states[slot] == SLOT_REMOTE) model->states[slot] = SLOT_FREE;
}

bool collect_model(int heap) {
    bool some = false;
    for (int granule = 0; granule < GRANULES; granule++) {
        if (pending_on[granule] != heap) continue;
        struct model *model = model_of(slab_of((size_t)granule));
        some = true;
        pending_on[granule] = model == NULL || model->owner == heap ? NOBODY : model->owner;
        if (model != NULL && model->owner == heap) harvest(model);
    }
    return some;
}

/* ---- invariants ---- */

static void check_model(const struct model *model) {
    const struct slab *slab = model->slab;
    uint32_t available = count_available(model), capacity = count_slots(model);
    assert_memory_equal((const void *)slab->state, model->states, model->bytes);
    assert_ptr_equal(slab->owner, &heaps[model->owner]);
    assert_int_equal(slab->capacity, capacity);
    assert_int_equal(slab->in_use, capacity - available);
    assert_int_equal(slab->listed, available > 0);
    for (uint32_t slot = 0; slot < slab->scan && slot < slab->slots; slot++)
        assert_false(is_available(model->states[slot]));
}

static void check_list(int heap) {
    size_t listed = 0, expected = 0;
    const struct slab *before = NULL;
    for (struct slab *slab = heaps[heap].bin[tested_class].partial; slab != NULL;
         slab = slab->next) {
        const struct model *model = model_of(slab);
        assert_non_null(model);
        assert_int_equal(model->owner, heap);
        assert_ptr_equal(slab->prev, before);
        before = slab;
        listed++;
    }
    for (int i = 0; i < SLABS; i++)
        if (models[i].slab != NULL && models[i].owner == heap && count_available(&models[i]) > 0)
            expected++;
    assert_int_equal(listed, expected);
}

void check_all(void) {
    size_t slabs = 0;
    for (int i = 0; i < SLABS; i++) {
        if (models[i].slab == NULL) continue;
        check_model(&models[i]);
        slabs++;
    }
    for (int heap = 0; heap < HEAPS; heap++) check_list(heap);
    assert_int_equal(pages_count().used, slabs * size_class_granules(tested_class) * GRANULE_PAGES);
}

static void check_retired(const struct model *model) {
    for (unsigned i = 0; i < size_class_granules(tested_class); i++) {
        assert_null(slab_part(model->slab, i)->owner);
        assert_int_equal(slab_part(model->slab, i)->kind, GRANULE_RUNS);
    }
}

unsigned times_kept(const struct heap *heap, const struct slab *slab) {
    unsigned times = 0;
    for (unsigned i = 0; i < heap->empties; i++) times += heap->empty[i] == slab;
    return times;
}

void settle(bool may_keep) {
    unsigned kept[HEAPS] = {0};
    for (int i = 0; i < SLABS; i++) {
        struct model *model = &models[i];
        if (model->slab == NULL || count_available(model) < count_slots(model)) continue;
        const struct heap *heap = &heaps[model->owner];
        if (may_keep && model->slab->owner != NULL) {
            assert_int_equal(times_kept(heap, model->slab), 1);
            kept[model->owner]++;
        } else {
            check_retired(model);
            if (may_keep) assert_int_equal(heap->empties, EMPTY_SLABS);
            model->slab = NULL;
        }
    }
    for (int heap = 0; may_keep && heap < HEAPS; heap++)
        assert_int_equal(heaps[heap].empties, kept[heap]);
}
