/*
 * Compares the slabs of two heaps with a model that knows the state of every slot. Slots are taken,
 * given back, freed by others and collected; slabs change their owner and are repaired after
 * interruptions. After each step states, counts, lists and the page heap must agree with the model.
 */
#include "held.h"
#include "slab_model.h"

#include <string.h>

#include "heap/fast.h"
#include "heap/magazine.h"
#include "heap/remote.h"
#include "heap/repair.h"
#include "heap/slab_give.h"
#include "pages/pages.h"
#include "pages/space.h"
#include "random.h"

enum { STEPS = 4000, BATCH = 200 };

static uint64_t seed = 1;

/* ---- steps ---- */

static void create(int heap) {
    struct model *model = model_of(NULL);
    if (model == NULL) return;
    model->slab = slab_create(&heaps[heap], tested_class);
    assert_non_null(model->slab);
    assert_ptr_equal(heaps[heap].bin[tested_class].partial, model->slab);
    model->owner = heap;
    model->slots = model->slab->slots;
    model->bytes = model->slab->state_bytes;
    assert_in_range(model->bytes, model->slots + 1, sizeof(model->states));
    memcpy(model->states, (const void *)model->slab->state, model->bytes);
    assert_int_equal(count_available(model), count_slots(model));
    assert_int_equal(model->states[model->slots], SLOT_NONE);
}

/* Checks that the lowest slots of the first listed slab were taken, and that the lowest is on
 * top. */
static void check_taken(int heap, struct model *model, unsigned want) {
    const struct magazine_entry *top = magazine_of(heap)->top;
    unsigned taken = 0;
    for (uint32_t slot = 0; slot < model->slots && taken < want; slot++) {
        if (!is_available(model->states[slot])) continue;
        assert_ptr_equal(top[-(int)taken].state, model->slab->state + slot);
        uint8_t *state = expected_state(&top[-(int)taken]);
        *state = *state == SLOT_FRESH ? SLOT_CACHED_FRESH : SLOT_CACHED;
        taken++;
    }
    assert_int_equal(magazine_count(&heaps[heap], tested_class), taken);
}

/* Checks that the wanted number of slots was taken from the slab, in any order. */
static void check_taken_at_random(int heap, struct model *model, unsigned want) {
    uint32_t available = count_available(model);
    const struct magazine_entry *top = magazine_of(heap)->top;
    unsigned taken = magazine_count(&heaps[heap], tested_class);
    assert_int_equal(taken, want < available ? want : available);
    for (unsigned i = 0; i < taken; i++) {
        assert_ptr_equal(model_of_state(top[-(int)i].state), model);
        uint8_t *state = expected_state(&top[-(int)i]);
        assert_true(is_available(*state));
        *state = *state == SLOT_FRESH ? SLOT_CACHED_FRESH : SLOT_CACHED;
    }
}

static void take(int heap) {
    if (magazine_count(&heaps[heap], tested_class) > 0) return;
    if (random_below(&seed, 4) == 0) magazine_grow(&heaps[heap], tested_class);
    if (heaps[heap].bin[tested_class].partial == NULL) create(heap);
    struct slab *slab = heaps[heap].bin[tested_class].partial;
    if (slab == NULL) return;
    unsigned want = 1 + (unsigned)random_below(&seed, heaps[heap].bin[tested_class].entries - 1u);
    bool at_random = random_below(&seed, 3) == 0;
    (at_random ? slab_take_at_random : slab_take)(&heaps[heap], slab, want);
    (at_random ? check_taken_at_random : check_taken)(heap, model_of(slab), want);
}

static void pop(int heap) {
    for (size_t count = random_below(&seed, BATCH); count > 0; count--) {
        struct magazine_entry top = *magazine_of(heap)->top;
        assert_ptr_equal(fast_take(magazine_of(heap)), top.slot);
        if (top.slot == NULL) return;
        *expected_state(&top) = SLOT_USED;
    }
}

/* Finds a used slot of the heap, or with NOBODY a used slot of any heap. */
static bool find_used(int heap, struct magazine_entry *found) {
    const struct model *model = &models[random_below(&seed, SLABS)];
    if (model->slab == NULL || (heap != NOBODY && model->owner != heap)) return false;
    uint32_t slot = (uint32_t)random_below(&seed, model->slots);
    for (uint32_t i = 0; i < model->slots; i++, slot = (slot + 1) % model->slots) {
        if (model->states[slot] != SLOT_USED) continue;
        *found = entry_of(model, slot);
        return true;
    }
    return false;
}

static void push(int heap) {
    struct magazine_entry entry;
    for (size_t count = random_below(&seed, BATCH); count > 0; count--) {
        if (!find_used(heap, &entry)) continue;
        bool full = magazine_of(heap)->top + 1 == magazine_of(heap)->limit;
        self_heap = &heaps[heap];
        assert_int_equal(fast_give(entry.slot), full ? FAST_FULL : FAST_DONE);
        if (full) return;
        *expected_state(&entry) = SLOT_CACHED;
        assert_ptr_equal(magazine_of(heap)->top->state, entry.state);
        assert_int_equal(fast_give(entry.slot), FAST_OTHER); /* a double free */
    }
}

static void flush_count(int heap, unsigned count) {
    unsigned have = magazine_count(&heaps[heap], tested_class);
    const struct magazine_entry *oldest = magazine_of(heap)->top - have + 1;
    for (unsigned i = 0; i < count; i++) make_available(&oldest[i]);
    magazine_flush(&heaps[heap], tested_class, count);
    assert_int_equal(magazine_count(&heaps[heap], tested_class), have - count);
    settle(true);
}

static void flush(int heap) {
    flush_count(heap,
                (unsigned)random_below(&seed, magazine_count(&heaps[heap], tested_class) + 1));
}

static void give_back(int heap) {
    struct magazine_entry batch[BATCH];
    unsigned count = 0;
    for (int i = 0; i < BATCH; i++) {
        if (!find_used(heap, &batch[count])) continue;
        slot_state_set(batch[count].state, SLOT_CACHED);
        *expected_state(&batch[count]) = SLOT_CACHED;
        count++;
    }
    for (unsigned i = 0; i < count; i++) make_available(&batch[i]);
    slab_give(&heaps[heap], batch, count);
    settle(true);
}

static void free_by_other_thread(int heap) {
    (void)heap;
    struct magazine_entry entry;
    for (size_t count = random_below(&seed, BATCH); count > 0; count--) {
        if (!find_used(NOBODY, &entry)) continue;
        struct slab *part = slab_of(granule_of(entry.slot));
        assert_true(remote_free(slab_head(part), entry.state));
        assert_false(remote_free(slab_head(part), entry.state));
        *expected_state(&entry) = SLOT_REMOTE;
        announce(model_of_state(entry.state));
    }
}

/* Gives back slots that waited in a quarantine while their slab went to another heap. */
static void give_back_of_other_heap(int heap) {
    struct magazine_entry entry;
    for (size_t count = random_below(&seed, BATCH); count > 0; count--) {
        if (!find_used(1 - heap, &entry)) continue;
        slot_state_set(entry.state, SLOT_HELD);
        slab_give(&heaps[heap], &entry, 1);
        *expected_state(&entry) = SLOT_REMOTE;
        announce(model_of_state(entry.state));
    }
}

static void collect(int heap) {
    bool some = collect_model(heap);
    assert_int_equal(remote_collect(&heaps[heap], tested_class), some);
    settle(true);
}

static void flush_all(int heap) { flush_count(heap, magazine_count(&heaps[heap], tested_class)); }

static void retire_empty(int heap) {
    unsigned kept = heaps[heap].empties;
    if (kept > 0) model_of(heaps[heap].empty[kept - 1])->slab = NULL;
    assert_int_equal(slab_retire_empty(&heaps[heap]), kept > 0);
    assert_int_equal(heaps[heap].empties, kept > 0 ? kept - 1 : 0);
}

static void retire_all_empty(int heap) {
    while (heaps[heap].empties > 0) retire_empty(heap);
}

/* Transfers a slab as from a heap whose thread has ended and whose magazines are empty. */
static void transfer(int heap) {
    flush_all(heap);
    retire_all_empty(heap);
    struct slab *slab = heaps[heap].bin[tested_class].partial;
    if (slab == NULL) return;
    int to = 1 - heap;
    size_t granules = heaps[to].granules, all = granules + heaps[heap].granules;
    slab_transfer(slab, &heaps[heap], &heaps[to]);
    assert_int_equal(heaps[to].granules, granules + size_class_granules(tested_class));
    assert_int_equal(heaps[heap].granules + heaps[to].granules, all);
    model_of(slab)->owner = to;
    assert_ptr_equal(heaps[to].bin[tested_class].partial, slab);
    for (unsigned i = 0; i < size_class_granules(tested_class); i++) {
        assert_ptr_equal(slab_part(slab, i)->owner, &heaps[to]);
        assert_ptr_equal(slab_part(slab, i)->magazine, magazine_of(to));
    }
}

/* Makes every redundant field wrong, as an interruption may leave it. */
static void scramble(int heap) {
    for (int i = 0; i < SLABS; i++) {
        struct slab *slab = models[i].slab;
        if (slab == NULL || models[i].owner != heap) continue;
        slab->in_use = (uint32_t)random_below(&seed, slab->slots);
        slab->scan = (uint32_t)random_below(&seed, slab->slots);
        slab->listed = random_below(&seed, 2) != 0;
        slab->next = slab->prev = slab;
        if (random_below(&seed, 2) == 0) heaps[heap].bin[tested_class].partial = slab;
    }
}

static void repair(int heap) {
    retire_all_empty(1 - heap);
    scramble(heap);
    for (int i = 0; i < SLABS; i++) {
        struct model *model = &models[i];
        if (model->slab == NULL || model->owner != heap) continue;
        for (uint32_t slot = 0; slot < model->slots; slot++) {
            uint8_t *state = &model->states[slot];
            if (*state == SLOT_CACHED_FRESH) *state = SLOT_FRESH;
            if (*state == SLOT_CACHED || *state == SLOT_REMOTE) *state = SLOT_FREE;
        }
    }
    collect_model(heap);
    repair_heap(&heaps[heap]);
    assert_int_equal(magazine_count(&heaps[heap], tested_class), 0);
    settle(false);
}

/* ---- rounds ---- */

/* Takes more slots than it gives back for some steps, then the reverse, again and again. */
static void random_steps(unsigned steps) {
    static void (*const filling[])(int) = {take,
                                           pop,
                                           take,
                                           pop,
                                           push,
                                           flush,
                                           give_back,
                                           free_by_other_thread,
                                           give_back_of_other_heap,
                                           collect};
    static void (*const emptying[])(int) = {
        take,    pop,       push,   flush, give_back, free_by_other_thread, give_back_of_other_heap,
        collect, give_back, collect};
    for (unsigned i = 0; i < steps; i++) {
        int heap = (int)random_below(&seed, HEAPS);
        size_t step = random_below(&seed, sizeof(filling) / sizeof(filling[0]));
        (i / 400 % 2 == 0 ? filling : emptying)[step](heap);
        if (i % 20 == 0) transfer(heap);
        if (i % 50 == 30) retire_empty(heap);
        if (i % 200 == 70) repair(heap);
        check_all();
    }
}

static void return_everything(void) {
    for (int heap = 0; heap < HEAPS; heap++) flush_all(heap);
    for (int i = 0; i < SLABS; i++)
        for (uint32_t slot = 0; models[i].slab != NULL && slot < models[i].slots; slot++)
            if (models[i].states[slot] == SLOT_USED) {
                struct magazine_entry entry = entry_of(&models[i], slot);
                assert_true(remote_free(slab_head(slab_of(granule_of(entry.slot))), entry.state));
                models[i].states[slot] = SLOT_REMOTE;
                announce(&models[i]);
            }
    /* A slab on the list of one heap may belong to the other heap. */
    for (int i = 0; i < 2 * HEAPS; i++) collect(i % HEAPS);
    for (int heap = 0; heap < HEAPS; heap++) retire_all_empty(heap);
    check_all();
    assert_int_equal(pages_count().used, 0);
}

static void slabs_agree_with_the_model(void **state) {
    (void)state;
    static const unsigned classes[] = {CLASS_ZERO, 1, 3, 17, 24, 32, 41, 57, 60, 65, CLASSES - 1};
    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        tested_class = classes[i];
        for (int heap = 0; heap < HEAPS; heap++) magazine_grow(&heaps[heap], tested_class);
        random_steps(STEPS);
        return_everything();
    }
}

static void empty_slabs_are_kept_up_to_a_bound(void **state) {
    (void)state;
    tested_class = 4;
    struct heap *heap = &heaps[0];
    struct magazine_entry taken[EMPTY_SLABS + 1];
    magazine_grow(heap, tested_class);
    for (unsigned i = 0; i <= EMPTY_SLABS; i++) {
        struct slab *slab = slab_create(heap, tested_class);
        slab_take(heap, slab, 1);
        taken[i] = *magazine_of(0)->top--;
    }
    slab_give(heap, taken, EMPTY_SLABS + 1);
    assert_int_equal(heap->empties, EMPTY_SLABS);
    assert_int_equal(pages_count().used, EMPTY_SLABS * GRANULE_PAGES);

    struct slab *slab = heap->bin[tested_class].partial;
    slab_take(heap, slab, 1);
    assert_int_equal(times_kept(heap, slab), 0);
    magazines_flush_all(heap);
    assert_int_equal(times_kept(heap, slab), 1);
    while (slab_retire_empty(heap)) continue;
    assert_int_equal(pages_count().used, 0);
}

/* A fork interrupts another thread halfway through the transfer of a slab of several granules. */
static void an_interrupted_transfer_is_completed(void **state) {
    (void)state;
    tested_class = CLASSES - 1;
    create(0);
    struct slab *slab = models[0].slab;
    slab_take(&heaps[0], slab, 1);
    pop(0);
    check_taken(0, &models[0], 0);
    slab->magazine = magazine_of(1);
    atomic_store(&slab->owner, &heaps[1]);
    repair_heap(&heaps[0]);
    repair_heap(&heaps[1]);
    for (unsigned i = 0; i < size_class_granules(tested_class); i++) {
        assert_ptr_equal(slab_part(slab, i)->owner, &heaps[1]);
        assert_ptr_equal(slab_part(slab, i)->magazine, magazine_of(1));
    }
}

static int start_heaps(void **state) {
    (void)state;
    if (!space_start()) return -1;
    for (int heap = 0; heap < HEAPS; heap++) {
        magazines_init(&heaps[heap]);
        hold_heap(&heaps[heap]);
    }
    for (int i = 0; i < GRANULES; i++) pending_on[i] = NOBODY;
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slabs_agree_with_the_model),
        cmocka_unit_test(empty_slabs_are_kept_up_to_a_bound),
        cmocka_unit_test(an_interrupted_transfer_is_completed),
    };
    return cmocka_run_group_tests(tests, start_heaps, NULL);
}
