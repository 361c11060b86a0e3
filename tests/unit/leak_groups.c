/* Lost blocks are grouped by stack, or by size if they have no stack. If there are too many groups,
 * the rest of each class is one group. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#include "check/block_info.h"
#include "leak/leak_groups.h"
#include "leak/leak_print.h"
#include "occurrences.h"

/* The blocks that the check finds: number i is at address (i + 1) * SPACING. */
#define SPACING 65536u
struct case_block {
    enum leak_class kind;
    stack_id stack;
    size_t size, led;
};
static struct case_block (*block_of)(size_t number);
static size_t block_count;

static size_t number_of(const void *start) { return (uintptr_t)start / SPACING - 1; }

void __wrap_leak_each_block(void (*call)(const struct leak_block *block));
void __wrap_leak_each_block(void (*call)(const struct leak_block *block)) {
    for (size_t i = 0; i < block_count; i++) {
        struct leak_block block = {(char *)((i + 1) * SPACING), block_of(i).size, NULL};
        call(&block);
    }
}

enum leak_class __wrap_leak_class_of(const struct leak_block *block);
enum leak_class __wrap_leak_class_of(const struct leak_block *block) {
    return block_of(number_of(block->start)).kind;
}

struct leak_amount __wrap_leak_led_by(const struct leak_block *block);
struct leak_amount __wrap_leak_led_by(const struct leak_block *block) {
    size_t led = block_of(number_of(block->start)).led;
    return (struct leak_amount){led, 8 * led};
}

bool __wrap_block_info_of(const void *p, struct block_info *info);
bool __wrap_block_info_of(const void *p, struct block_info *info) {
    struct case_block block = block_of(number_of(p));
    *info = (struct block_info){
        .life = LIFE_LIVE, .start = (char *)p, .size = block.size, .allocated = block.stack};
    return true;
}

/* Each block has its own content. */
size_t __wrap_leak_read(uintptr_t from, void *to, size_t bytes);
size_t __wrap_leak_read(uintptr_t from, void *to, size_t bytes) {
    memset(to, (int)(number_of((void *)from) % 251), bytes);
    return bytes;
}

void *__wrap_leak_map(size_t bytes);
void *__wrap_leak_map(size_t bytes) { return calloc(1, bytes); }

static struct leak_groups group(struct case_block (*of)(size_t number), size_t count) {
    struct leak_groups groups;
    block_of = of;
    block_count = count;
    assert_true(leak_group_all(&groups, true));
    return groups;
}

static void expect_group(const struct leak_group *group, enum leak_class kind, size_t size,
                         size_t blocks, size_t led) {
    assert_int_equal(group->kind, kind);
    assert_false(group->is_rest);
    assert_int_equal(group->size, size);
    assert_int_equal(group->own.blocks, blocks);
    assert_int_equal(group->own.bytes, blocks * size);
    assert_int_equal(group->led.blocks, led);
}

static struct case_block session(size_t number) {
    (void)number;
    return (struct case_block){LEAK_DEFINITE, 0, 96, 1};
}

static void one_size_is_one_group(void **state) {
    (void)state;
    struct leak_groups groups = group(session, 100000);
    assert_int_equal(groups.count, 1);
    expect_group(groups.list, LEAK_DEFINITE, 96, 100000, 100000);
}

static struct case_block mixed(size_t number) {
    static const struct case_block blocks[] = {
        {LEAK_DEFINITE, 0, 32, 0}, {LEAK_POSSIBLE, 0, 32, 0}, {LEAK_DEFINITE, 0, 48, 0},
        {LEAK_DEFINITE, 7, 32, 0}, {LEAK_DEFINITE, 7, 99, 0}, {LEAK_INDIRECT, 0, 5, 0},
    };
    return blocks[number % 6];
}

static void sizes_classes_and_stacks_are_kept_apart(void **state) {
    (void)state;
    struct leak_groups groups = group(mixed, 60);
    assert_int_equal(groups.count, 4);
    assert_int_equal(groups.list[0].stack, 7);
    assert_int_equal(groups.list[0].own.blocks, 20);
    assert_int_equal(groups.list[0].own.bytes, 10 * (32 + 99));
    expect_group(&groups.list[1], LEAK_DEFINITE, 48, 10, 0);
    expect_group(&groups.list[2], LEAK_DEFINITE, 32, 10, 0);
    expect_group(&groups.list[3], LEAK_POSSIBLE, 32, 10, 0);
    assert_int_equal(groups.totals[LEAK_INDIRECT].bytes, 50);
}

/* There are more stacks than room for groups. */
static struct case_block many(size_t number) {
    enum leak_class kind = number % 2 == 0 ? LEAK_DEFINITE : LEAK_POSSIBLE;
    return (struct case_block){kind, (stack_id)(number + 1), 16, 0};
}

static void groups_without_room_are_one_labelled_group(void **state) {
    (void)state;
    struct leak_groups groups = group(many, 100000);
    struct leak_amount found[LEAK_CLASSES] = {{0, 0}};
    unsigned rests = 0;
    for (size_t i = 0; i < groups.count; i++) {
        const struct leak_group *one = &groups.list[i];
        found[one->kind].blocks += one->own.blocks;
        found[one->kind].bytes += one->own.bytes;
        rests += one->is_rest;
        if (!one->is_rest) continue;
        assert_true(i + 1 == groups.count || one[1].kind != one->kind);
        assert_true(one->own.blocks > 10000);
    }
    assert_int_equal(rests, 2);
    for (unsigned kind = 0; kind < LEAK_CLASSES; kind++)
        assert_memory_equal(&found[kind], &groups.totals[kind], sizeof found[kind]);
}

/* ---- printing ---- */

static char printed[1 << 16];
static size_t printed_bytes;

static void keep(void *to, const char *bytes, size_t count) {
    (void)to;
    assert_true(printed_bytes + count < sizeof printed);
    memcpy(printed + printed_bytes, bytes, count);
    printed_bytes += count;
    printed[printed_bytes] = '\0';
}

static void print(const struct leak_groups *groups, size_t limit) {
    char buffer[256];
    struct text text = {.buffer = buffer, .size = sizeof buffer, .sink = keep};
    printed_bytes = 0;
    leak_print(&text, groups, limit);
    text_flush(&text);
}

static size_t lines_with(const char *text) { return count_occurrences(printed, text); }

static struct case_block of_many_sizes(size_t number) {
    static const enum leak_class classes[] = {LEAK_DEFINITE, LEAK_POSSIBLE, LEAK_REACHABLE};
    return (struct case_block){classes[number % 3], 0, 16 + number, 0};
}

static void the_limit_is_for_each_class(void **state) {
    (void)state;
    struct leak_groups groups = group(of_many_sizes, 3 * 20);
    print(&groups, 5);
    assert_int_equal(lines_with("definitely lost: "), 20 + 1);
    assert_int_equal(lines_with("possibly lost: "), 5 + 1 + 1);
    assert_int_equal(lines_with("still reachable: "), 5 + 1 + 1);
    assert_int_equal(lines_with("\npossibly lost: 15 more groups\n"), 1);
    assert_int_equal(lines_with("\nstill reachable: 15 more groups\n"), 1);
    print(&groups, 20);
    assert_int_equal(lines_with("more group"), 0);
    print(&groups, SIZE_MAX);
    assert_int_equal(lines_with("more group"), 0);
}

static void the_rest_is_labelled(void **state) {
    (void)state;
    struct leak_group rest = {.kind = LEAK_POSSIBLE, .is_rest = true, .own = {3, 300}};
    struct leak_groups groups = {.list = &rest, .count = 1};
    print(&groups, SIZE_MAX);
    assert_int_equal(lines_with("possibly lost: 300 bytes in 3 blocks; in groups for which the leak"
                                " check had no room\nin all"),
                     1);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_size_is_one_group),
        cmocka_unit_test(sizes_classes_and_stacks_are_kept_apart),
        cmocka_unit_test(groups_without_room_are_one_labelled_group),
        cmocka_unit_test(the_limit_is_for_each_class),
        cmocka_unit_test(the_rest_is_labelled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
