/*
 * Explores all images that a kill at any instruction can leave.
 *
 * The engine works on a tiny heap. Each store to the image calls store_hook, which can end the
 * operation there, as a kill would. From every state that operations lead to, every operation is
 * cut off before every one of its stores, and for many of them the repair is cut off before every
 * one of its stores, too. After the repair, the heap must pass the check, and have the used blocks
 * and handles of before or after the operation.
 */
#include "unit.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../sanitized.h"
#include "shared/check.h"
#include "shared/store.h"

enum { UNITS_MAX = 16, STATES_MAX = 1 << 17, SLOTS = 1 << 20 };

/* ---- kills ---- */

static jmp_buf killed;
static long stores_left = -1; /* until the kill, or negative: no kill */
static uint64_t kills;

void store_hook(void) {
    if (stores_left >= 0 && stores_left-- == 0) longjmp(killed, 1);
}

/* ---- the heap ---- */

static _Alignas(64) char image[64 << 10];
static struct buddy buddy;
static uint64_t maximum;

/* All parts of the image that an operation can change. */
struct snapshot {
    char header[offsetof(struct image_header, unused4)];
    struct image_name name;
    char states[UNITS_MAX], index[512];
};

static void save(struct snapshot *to) {
    memcpy(to->header, image, sizeof to->header);
    memcpy(&to->name, image + IMAGE_NAMES_AT, sizeof to->name);
    memcpy(to->states, image + IMAGE_STATES_AT, sizeof to->states + sizeof to->index);
}

static void restore(const struct snapshot *from) {
    memcpy(image, from->header, sizeof from->header);
    memcpy(image + IMAGE_NAMES_AT, &from->name, sizeof from->name);
    memcpy(image + IMAGE_STATES_AT, from->states, sizeof from->states + sizeof from->index);
}

/* The blocks and handles that the program sees. */
struct view {
    uint64_t units, root, name;
    size_t sizes[UNITS_MAX]; /* + 1; 0: no block starts here */
};

static void look(struct view *view) {
    memset(view, 0, sizeof *view);
    view->units = buddy_now(&buddy)->units;
    view->root = buddy.header->root;
    memcpy(&view->name, image + IMAGE_NAMES_AT, sizeof view->name);
    for (uint64_t p = 0; p < view->units; p++)
        if (buddy.states[p] >= STATE_USED) view->sizes[p] = buddy_size(&buddy, p) + 1;
}

static void check(const char *when) {
    struct mallow_shared_finding finding;
    if (!check_image(&buddy, &finding))
        fail_msg("%s: %s at %llu", when, finding.problem, (unsigned long long)finding.position);
}

/* ---- operations ---- */

#define ROOT offsetof(struct image_header, root)
#define NAME IMAGE_NAMES_AT

enum kind { ALLOC, ALLOC_INTO, FREE, FREE_FROM, RESIZE, RESIZE_IN, MOVE, EXTEND, KINDS };
static const size_t sizes[] = {0, 16, 17, 50, 64, 128, 256};
#define SIZES (sizeof sizes / sizeof *sizes)

struct operation {
    enum kind kind;
    uint64_t position;
    size_t size;
};

/* Handles are positions + 1. */
static uint64_t handle_at(uint64_t place) {
    uint64_t value;
    memcpy(&value, image + place, sizeof value);
    return value;
}

static bool is_used(uint64_t position) {
    return position < buddy_now(&buddy)->units && buddy.states[position] >= STATE_USED;
}

static uint64_t find(size_t size, unsigned *order) {
    uint64_t position = buddy_find(&buddy, buddy_order(size), order);
    if (position == NO_UNIT) {
        buddy_merge_all(&buddy);
        position = buddy_find(&buddy, buddy_order(size), order);
    }
    return position;
}

static void allocate(size_t size, bool into, uint64_t old) {
    unsigned order;
    uint64_t position = find(size, &order);
    if (position == NO_UNIT) return;
    const struct buddy_stores stores = {{into ? ROOT : 0}, {position + 1}};
    if (old == NO_UNIT)
        buddy_take(&buddy, position, order, size, &stores);
    else
        buddy_replace(&buddy, position, order, size, &stores, old);
}

static void run(const struct operation *o) {
    uint64_t root = handle_at(ROOT), name = handle_at(NAME);
    bool in = o->kind == RESIZE_IN || o->kind == FREE_FROM;
    uint64_t position = in ? root - 1 : o->position;
    const struct buddy_stores clear = {{in ? ROOT : 0}, {0}};
    switch (o->kind) {
    case ALLOC:
    case ALLOC_INTO:
        if (o->kind == ALLOC || root == 0) allocate(o->size, o->kind == ALLOC_INTO, NO_UNIT);
        break;
    case FREE:
    case FREE_FROM:
        if (is_used(position)) buddy_give(&buddy, position, &clear);
        break;
    case RESIZE:
    case RESIZE_IN:
        if (is_used(position) && !buddy_resize(&buddy, position, o->size))
            allocate(o->size, in, position);
        break;
    case MOVE:
        if ((root == 0) != (name == 0))
            buddy_store(&buddy,
                        &(struct buddy_stores){{root == 0 ? ROOT : NAME, root == 0 ? NAME : ROOT},
                                               {root == 0 ? name : root, 0}});
        break;
    default:
        buddy_extend(&buddy, maximum);
        break;
    }
}

/* Returns the n-th operation. Returns false if there are fewer. */
static bool choose(unsigned n, struct operation *o) {
    static const unsigned counts[KINDS] = {SIZES, SIZES, UNITS_MAX, 1, UNITS_MAX * SIZES,
                                           SIZES, 1,     1};
    for (unsigned kind = 0; kind < KINDS; n -= counts[kind++]) {
        if (n >= counts[kind]) continue;
        bool has_position = kind == FREE || kind == RESIZE;
        *o = (struct operation){(enum kind)kind, has_position ? n % UNITS_MAX : 0,
                                sizes[(has_position ? n / UNITS_MAX : n) % SIZES]};
        return true;
    }
    return false;
}

/* ---- exploration ---- */

static struct snapshot *queue;
static size_t queued;
static uint64_t *seen;

/* Adds the current state to the queue unless the queue has contained it before. */
static void add_state(size_t most) {
    uint64_t hash = 1469598103934665603u;
    struct view view;
    look(&view);
    const struct {
        const void *start;
        size_t bytes;
    } parts[] = {{&view, sizeof view},
                 {image + IMAGE_STATES_AT, UNITS_MAX},
                 {buddy.header->unmerged, 5 * sizeof(uint64_t)}};
    for (size_t i = 0; i < 3; i++)
        for (size_t k = 0; k < parts[i].bytes; k++)
            hash = (hash ^ ((const unsigned char *)parts[i].start)[k]) * 1099511628211u;
    size_t slot = hash % SLOTS;
    while (seen[slot] != 0 && seen[slot] != hash) slot = (slot + 1) % SLOTS;
    if (seen[slot] == hash || queued >= most) return;
    seen[slot] = hash;
    save(&queue[queued++]);
}

static void expect_one_of(const struct view *before, const struct view *after) {
    struct view now;
    look(&now);
    uint64_t units = now.units;
    check("after the repair");
    assert_in_range(units, before->units, after->units);
    now.units = before->units;
    if (memcmp(&now, before, sizeof now) == 0) return;
    now.units = after->units;
    if (memcmp(&now, after, sizeof now) == 0) return;
    fail_msg("the heap has neither the blocks of before nor those of after");
}

/* Runs the repair, and ends it before its n-th store. Returns false if it has fewer. */
static bool repair_until(long n) {
    bool complete = false;
    stores_left = n;
    if (setjmp(killed) == 0) {
        assert_true(buddy_repair(&buddy));
        complete = true;
    } else {
        kills++;
    }
    stores_left = -1;
    return !complete;
}

/* Kills the operation before its n-th store. Returns false if it has fewer. */
static bool kill_at(const struct operation *operation, long n, bool twice,
                    const struct view *before, const struct view *after) {
    struct snapshot left;
    stores_left = n;
    if (setjmp(killed) == 0) {
        run(operation);
        stores_left = -1;
        return false;
    }
    stores_left = -1;
    kills++;
    save(&left);
    for (long second = 0; twice && repair_until(second); second++) {
        assert_true(buddy_repair(&buddy));
        expect_one_of(before, after);
        restore(&left);
    }
    if (!twice) assert_true(buddy_repair(&buddy));
    expect_one_of(before, after);
    return true;
}

/* Compares buddy_locate and buddy_start with the blocks from the first to the last. */
static void check_locate(void) {
    uint64_t units = buddy_now(&buddy)->units;
    for (uint64_t start = 0, end; start < units; start = end) {
        unsigned state = buddy.states[start];
        end = start + ((uint64_t)1 << (state >= STATE_SMALL ? 0 : state & 0x3f));
        for (uint64_t p = start; p < end; p++) {
            enum mallow_result expected = state < STATE_USED ? MALLOW_ALREADY_FREE
                                          : p == start       ? MALLOW_OK
                                                             : MALLOW_NOT_A_BLOCK;
            assert_int_equal(buddy_locate(&buddy, p), expected);
            assert_int_equal(buddy_start(&buddy, p), state < STATE_USED ? NO_UNIT : start);
        }
    }
}

static void explore_state(const struct snapshot *from, bool twice, size_t most) {
    struct operation operation;
    struct view before, after;
    restore(from);
    look(&before);
    check_locate();
    for (unsigned i = 0; choose(i, &operation); i++) {
        restore(from);
        run(&operation);
        check("after an operation");
        look(&after);
        add_state(most);
        long n = 0;
        do restore(from);
        while (kill_at(&operation, n++, twice, &before, &after));
    }
}

/* Explores at most `most` states of a heap that grows from `units` to `to` units. In the first
 * `twice` states, the repair is killed, too. */
static void explore(uint64_t units, uint64_t to, size_t most, size_t twice) {
    queue = malloc(most * sizeof *queue);
    seen = calloc(SLOTS, sizeof *seen);
    assert_non_null(queue);
    assert_non_null(seen);
    memset(image, 0, sizeof image);
    strcpy(image + IMAGE_NAMES_AT + offsetof(struct image_name, name), "name");
    buddy.header = (struct image_header *)(void *)image;
    buddy.header->maximum = maximum = to;
    buddy_view(&buddy, image, to);
    assert_true(bits_layout(&buddy.bits, to) * 8 <= sizeof queue->index - 16);
    queued = 0;
    kills = 0;
    buddy_extend(&buddy, units);
    add_state(most);
    size_t explored = 0;
    for (; explored < queued; explored++) explore_state(&queue[explored], explored < twice, most);
    printf("%zu states, %llu kills%s\n", explored, (unsigned long long)kills,
           explored < most ? ": all" : "");
    free(queue);
    free(seen);
}

#if defined(SANITIZED) || !defined(__OPTIMIZE__)
#    define SHARE 8
#else
#    define SHARE 1
#endif

static void a_heap_of_4_units(void **state) {
    (void)state;
    explore(4, 4, STATES_MAX, SIZE_MAX);
}

static void a_heap_that_grows(void **state) {
    (void)state;
    explore(0, 3, 1000, SIZE_MAX);
    explore(3, 7, 2000 / SHARE, 100);
    explore(5, 16, 2000 / SHARE, 100);
}

static void a_heap_of_8_units(void **state) {
    (void)state;
    explore(8, 8, 8000 / SHARE, 300 / SHARE);
}

static void a_heap_of_16_units(void **state) {
    (void)state;
    explore(16, 16, 4000 / SHARE, 200 / SHARE);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_heap_of_4_units),
        cmocka_unit_test(a_heap_that_grows),
        cmocka_unit_test(a_heap_of_8_units),
        cmocka_unit_test(a_heap_of_16_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
