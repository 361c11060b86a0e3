/* With check=full a write of any byte outside a block, or to a freed one, is found. */
#include "full_blocks.h"

/* ---- damage ---- */

static const size_t sizes[] = {1, 7, 8, 9, 15, 16, 17, 40, 63, 64, 65, 100, 1000, 5000};
enum { SIZES = sizeof sizes / sizeof sizes[0] };

/* Returns text such as "(1 byte after the end of a block of 7 bytes,". */
static const char *where(ptrdiff_t at, size_t size) {
    static char text[100];
    ptrdiff_t after = at - (ptrdiff_t)size;
    const char *plural = size == 1 ? "" : "s";
    if (at < 0)
        snprintf(text, sizeof text, "(%td byte%s before a block of %zu byte%s,", -at,
                 at == -1 ? "" : "s", size, plural);
    else if (after > 0)
        snprintf(text, sizeof text, "(%td byte%s after the end of a block of %zu byte%s,", after,
                 after == 1 ? "" : "s", size, plural);
    else
        snprintf(text, sizeof text, "a block of %zu byte%s,", size, plural);
    return text;
}

static void check_damaged(const char *block, enum damage expected, const char *cause,
                          const char *where_it_is) {
    struct slot_ref ref = ref_around(block);
    CHECK_EQUAL(full_damage(&ref), expected);
    check_reported("");
    CHECK_EQUAL(full_verify(&ref, "found by the test"), expected);
    const char *text = reported();
    bool right = strstr(text, cause) != NULL && strstr(text, where_it_is) != NULL &&
                 strstr(text, ", found by the test\n") != NULL;
    if (!right) check_failed("not \"%s\", \"%s\": %s\n", cause, where_it_is, text);
}

static void check_write(size_t size, ptrdiff_t at, char value) {
    char *block = take(size);
    bool inside = at >= 0 && at < (ptrdiff_t)size;
    block[at] = value;
    const char *cause = at < 0 ? "heap underflow of" : "heap overflow of";
    if (inside)
        CHECK_EQUAL(damage_of(block), DAMAGE_NONE);
    else
        check_damaged(block, at < 0 ? DAMAGE_HEAD : DAMAGE_TAIL, cause, where(at, size));
    give(block); /* the block is freed anyway */
    const char *text = reported();
    if (inside ? *text != '\0' : strstr(text, cause) == NULL || strstr(text, "by free\n") == NULL)
        check_failed("%zu bytes, written at %td: %s\n", size, at, text);
    CHECK_EQUAL(damage_of(block), DAMAGE_NONE);
}

/* A single null byte is found. */
static void each_byte_around_a_block_is_checked(void) {
    for (int i = 0; i < SIZES; i++) {
        ptrdiff_t size = (ptrdiff_t)sizes[i];
        for (ptrdiff_t at = -ZONE_MIN; at < 0; at++) check_write(sizes[i], at, 0);
        for (ptrdiff_t at = size; at < size + ZONE_MIN; at++) check_write(sizes[i], at, 0);
        if (size > 0) check_write(sizes[i], 0, 0);
        if (size > 0) check_write(sizes[i], size - 1, 0);
    }
}

/* The redzone reaches up to the next slot and includes the rounding of the size class. */
static void the_whole_rest_of_the_slot_is_checked(void) {
    for (size_t size = 600; size < 640; size++) {
        char *block = take(size);
        struct slot_ref ref = ref_around(block);
        for (char *at = ref.start; at < ref.start + ref.bytes; at++) {
            char before = *at;
            *at = (char)~before;
            bool inside = at >= block && at < block + size;
            CHECK_EQUAL(full_damage(&ref), inside       ? DAMAGE_NONE
                                           : at < block ? DAMAGE_HEAD
                                                        : DAMAGE_TAIL);
            *at = before;
        }
        give(block);
        check_reported("");
    }
}

static void a_redzone_of_another_block_does_not_fit(void) {
    char *one = take(100), *other = take(100), saved[ZONE_MIN];
    memcpy(saved, one + 100, sizeof saved);
    memcpy(one + 100, other + 100, sizeof saved);
    CHECK_EQUAL(damage_of(one), DAMAGE_TAIL);
    memcpy(one + 100, saved, sizeof saved);
    CHECK_EQUAL(damage_of(one), DAMAGE_NONE);
    memcpy(one - ZONE_MIN, other - ZONE_MIN, sizeof saved);
    CHECK_EQUAL(damage_of(one), DAMAGE_HEAD);
}

/* ---- after the free ---- */

static void each_byte_of_a_freed_block_is_checked(void) {
    char *block = take(100);
    struct slot_ref ref = ref_around(block);
    give(block);
    for (char *at = ref.start; at < ref.start + ref.bytes; at++) {
        char before = *at;
        *at = 0;
        char text[100];
        snprintf(text, sizeof text, "use after free of %p (", (void *)at);
        check_damaged(block, DAMAGE_FREED, text, "a block of 100 bytes,");
        *at = before;
    }
    CHECK_EQUAL(full_damage(&ref), DAMAGE_NONE);
}

static void a_write_is_found_when_the_slot_is_used_again(void) {
    static char *blocks[1000];
    settings.quarantine = 10 * MIB;
    for (int i = 0; i < 1000; i++) blocks[i] = take(500);
    for (int i = 0; i < 1000; i++) give(blocks[i]);
    blocks[0][499] = 1;
    check_reported("");
    settings.quarantine = 0;
    CHECK(take(500) == blocks[0]);
    check_reported(", found when its memory was about to be reused");
    CHECK(take(500) == blocks[1] && is_filled(blocks[0], 500, FILL_FRESH));
    check_reported("");
}

static void a_write_is_found_when_the_slot_leaves_quarantine(void) {
    static char *blocks[1000];
    settings.quarantine = 0;
    for (int i = 0; i < 1000; i++) blocks[i] = take(500);
    give(blocks[0]);
    blocks[0][0] = 1;
    for (int i = 1; i < 1000; i++) give(blocks[i]);
    const char *text = reported();
    CHECK(strstr(text, ", found when it left quarantine") != NULL);
    CHECK(strstr(text, "stops the program at the access itself\n") != NULL);
    check_reported("");
}

static struct body bodies[] = {
    BODY(each_byte_around_a_block_is_checked),
    BODY(the_whole_rest_of_the_slot_is_checked),
    BODY(a_redzone_of_another_block_does_not_fit),
    BODY(each_byte_of_a_freed_block_is_checked),
    BODY(a_write_is_found_when_the_slot_is_used_again),
    BODY(a_write_is_found_when_the_slot_leaves_quarantine),
};

int main(void) {
    begin();
    return run_bodies(bodies);
}
