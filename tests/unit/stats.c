/* The figures of slabs agree with a count slot by slot, for slots in every state. */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "heap/slab.h"
#include "pages/space.h"
#include "process/stats.h"
#include "random.h"

enum { ROUNDS = 200 };

static struct heap heap;
static uint64_t seed = 1;

static void count_naively(const struct slab *slab, struct mallow_class_stats *size_class) {
    for (uint32_t slot = 0; slot < slab->slots; slot++) {
        uint8_t state = slot_state_get(&slab->state[slot]);
        size_class->used_slots += state == SLOT_USED;
        size_class->cached_slots += state == SLOT_CACHED;
        size_class->free_slots += state == SLOT_FREE || state == SLOT_REMOTE;
        size_class->fresh_slots += state == SLOT_FRESH || state == SLOT_CACHED_FRESH;
    }
    size_class->slabs++;
}

/* Sets the states in stretches of random length, half of which are single slots. */
static void set_states_at_random(struct slab *slab) {
    static const uint8_t states[] = {SLOT_FRESH,        SLOT_USED,   SLOT_CACHED,
                                     SLOT_CACHED_FRESH, SLOT_REMOTE, SLOT_FREE};
    for (uint32_t slot = 0; slot < slab->slots;) {
        uint8_t state = states[random_below(&seed, sizeof states)];
        size_t length = random_below(&seed, 2) == 0 ? 1 : 1 + random_below(&seed, 100);
        for (; length > 0 && slot < slab->slots; length--, slot++)
            if (slot_state_get(&slab->state[slot]) != SLOT_NONE)
                slot_state_set(&slab->state[slot], (enum slot_state)state);
    }
}

static void slots_are_counted_by_state(void **state) {
    (void)state;
    static struct mallow_stats expected, found;
    static struct slab *slabs[CLASSES];
    hold_heap(&heap);
    for (unsigned size_class = 1; size_class < CLASSES; size_class++)
        slabs[size_class] = slab_create(&heap, size_class);
    for (int round = 0; round < ROUNDS; round++) {
        memset(&expected, 0, sizeof expected);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            set_states_at_random(slabs[size_class]);
            count_naively(slabs[size_class], &expected.classes[size_class]);
        }
        stats_read(&found);
        for (unsigned size_class = 1; size_class < CLASSES; size_class++) {
            expected.classes[size_class].slot_bytes = size_class_bytes(size_class);
            assert_memory_equal(&found.classes[size_class], &expected.classes[size_class],
                                sizeof found.classes[size_class]);
        }
    }
}

int main(void) {
    space_start();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_counted_by_state),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
