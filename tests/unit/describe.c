/* describe_pointer says in words what a pointer points to: slots, runs, mappings and foreign
 * memory. */

#include "unit.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "heap/shared.h"
#include "heap/slab.h"
#include "mallow.h"
#include "report/describe.h"

enum { SIZE = 5000 }; /* too large for slots of mixed sizes */

static void check(const void *p, bool was_block, const char *text) {
    struct finding found = describe_pointer(p);
    assert_string_equal(found.text, text);
    assert_int_equal(found.was_block, was_block);
}

static struct slab *slab_around(const char *p) { return slab_head(slab_of(granule_of(p))); }

static uint32_t slot_number(const char *p) {
    const struct slab *slab = slab_around(p);
    return (uint32_t)((size_t)(p - slab_slot_zero(slab)) / slab->slot_size);
}

static const char *slot_words(const char *block, size_t inside, const char *rest) {
    static char text[100];
    int length = 0;
    if (inside != 0)
        length = snprintf(text, sizeof text, "%zu byte%s inside ", inside, inside == 1 ? "" : "s");
    snprintf(text + length, sizeof text - (size_t)length, "slot %u of a %u-byte slab%s",
             slot_number(block), slab_around(block)->slot_size, rest);
    return text;
}

static void slots_are_numbered(void **state) {
    (void)state;
    char *block = mallow_malloc(SIZE);
    check(block, false, slot_words(block, 0, ""));
    check(block + 1, false, slot_words(block, 1, ""));
    check(block + SIZE, false, slot_words(block, SIZE, ""));
    mallow_free(block);
    check(block, true, slot_words(block, 0, ""));
    check(block + 16, false, slot_words(block, 16, ""));
}

static void slots_that_were_never_allocated_are_named(void **state) {
    (void)state;
    char *block = mallow_malloc(SIZE);
    const struct slab *slab = slab_around(block);
    char *last = slab_slot_zero(slab) + (size_t)(slab->slots - 1) * slab->slot_size;
    assert_int_equal(slot_state_get(&slab->state[slab->slots - 1]), SLOT_FRESH);
    check(last, false, slot_words(last, 0, ", never allocated"));
    check(last + 8, false, slot_words(last, 8, ""));
    mallow_free(block);
}

static void a_slab_has_ends_without_slots(void **state) {
    (void)state;
    char *block = mallow_malloc(SIZE), text[100];
    const struct slab *slab = slab_around(block);
    char *end =
        granule_start(slab_granule(slab)) + size_class_granules(slab->size_class) * GRANULE - 1;
    snprintf(text, sizeof text, "outside the slots of a %u-byte slab", slab->slot_size);
    check(end, false, text);
    mallow_free(block);
}

static void slots_of_mixed_sizes(void **state) {
    (void)state;
    char *block = mallow_malloc(100);
    assert_int_equal(slab_of(granule_of(block))->kind, GRANULE_SHARED);
    char text[100];
    snprintf(text, sizeof text, "17 bytes inside slot %u of a 112-byte slab", shared_unit(block));
    check(block + 17, false, text);
    mallow_free(block);
    snprintf(text, sizeof text, "slot %u of a 112-byte slab", shared_unit(block));
    check(block, true, text);
    check((char *)((uintptr_t)block | (GRANULE - 1)), false,
          "outside the slots of a slab of mixed sizes, never allocated");
}

static void runs_are_described(void **state) {
    (void)state;
    char *block = mallow_malloc(100000), *behind = mallow_malloc(100000);
    check(block + 50000, false, "50000 bytes inside a block of 102400 bytes");
    check(block + 1, false, "1 byte inside a block of 102400 bytes");
    mallow_free(block);
    check(block, true, "in memory that was freed");
    check(block + 4096, true, "in memory that was freed");
    check(block + 1, false, "in memory that was freed");
    mallow_free(behind);
    check(space.base, false, "in memory that was never allocated");
    check(granule_start(space.granules) - 16, false, "in memory that was never allocated");
}

static void mappings_are_described(void **state) {
    (void)state;
    char *block = mallow_malloc(64 * MIB);
    check(block + 16, false, "16 bytes inside a block of 67108864 bytes with a mapping of its own");
    mallow_free(block);
    check(block + 16, false, "never allocated: nothing is mapped there");
}

static void foreign_memory_is_described(void **state) {
    (void)state;
    static int data = 1; /* initialized, because .bss may not be in pages of the file */
    char *mapped = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    check(&state, false, "on the stack");
    check(mapped, false, "in a mapping");
    check(mapped + 8191, false, "in a mapping");
    munmap(mapped, 8192);
    check(mapped, false, "never allocated: nothing is mapped there");
    check(NULL, false, "never allocated: nothing is mapped there");
    check((void *)UINTPTR_MAX, false, "never allocated: nothing is mapped there");
    struct finding found = describe_pointer(&data);
    assert_non_null(strstr(found.text, "in a mapping of /"));
    assert_non_null(strstr(found.text, "unit_describe"));
    assert_false(found.was_block);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(slots_are_numbered),
        cmocka_unit_test(slots_that_were_never_allocated_are_named),
        cmocka_unit_test(a_slab_has_ends_without_slots),
        cmocka_unit_test(slots_of_mixed_sizes),
        cmocka_unit_test(runs_are_described),
        cmocka_unit_test(mappings_are_described),
        cmocka_unit_test(foreign_memory_is_described),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
