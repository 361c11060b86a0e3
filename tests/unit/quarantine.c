/* Freed slots wait in quarantine until enough others of their class have followed and the bytes
 * exceed the limit. They leave in the order in which they came. */
#include "threads.h"

#include "bodies.h"

#include "check/quarantine.h"
#include "heap/heap.h"
#include "heap/heap_enter.h"
#include "heap/size_class.h"
#include "random.h"

static uint64_t seed = 1;

/* The quarantine never reads the slots, so an entry is only a number. */
static struct magazine_entry numbered(uintptr_t number) {
    static _Alignas(CACHE_LINE) char places[1 << 22];
    static _Atomic uint8_t state;
    CHECK(number < sizeof places);
    return (struct magazine_entry){places + number, &state};
}

static void put(struct heap *heap, unsigned size_class, uintptr_t number) {
    CHECK(quarantine_put(heap, size_class, numbered(number)));
}

static void check_is(struct magazine_entry entry, uintptr_t number) {
    CHECK(entry.slot == numbered(number).slot);
    CHECK(entry.state == numbered(number).state);
}

/* Returns the number of frees in the class that a slot must wait for before it is used again. */
static size_t wait_of(unsigned size_class) {
    size_t size = size_class_bytes(size_class);
    return size * QUARANTINE_DELAY <= MIB ? QUARANTINE_DELAY : max_size(MIB / size, 16);
}

static void an_empty_quarantine_returns_nothing(void) {
    struct heap *heap = heap_enter();
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        CHECK(quarantine_take(heap, size_class).slot == NULL);
        CHECK(quarantine_evict(heap, size_class).slot == NULL);
    }
    CHECK(quarantine_relieve(heap).slot == NULL);
    CHECK_EQUAL(quarantine_bytes(), 0);
}

/* A slot waits for that many others of its class, even if no bytes may be held. */
static void a_slot_waits_for_others_of_its_class(void) {
    struct heap *heap = heap_enter();
    settings.quarantine = 0;
    for (unsigned size_class = 0; size_class < CLASSES; size_class++) {
        size_t wait = wait_of(size_class);
        for (uintptr_t i = 0; i < wait; i++) {
            put(heap, size_class, i);
            CHECK(quarantine_take(heap, size_class).slot == NULL);
            CHECK(quarantine_evict(heap, size_class).slot == NULL);
        }
        for (uintptr_t i = wait; i < 3 * wait; i++) {
            put(heap, size_class, i);
            check_is(i % 2 == 0 ? quarantine_take(heap, size_class)
                                : quarantine_evict(heap, size_class),
                     i - wait);
            CHECK(quarantine_take(heap, size_class).slot == NULL);
            CHECK(quarantine_evict(heap, size_class).slot == NULL);
        }
    }
}

/* No slot leaves while there is room. */
static void slots_stay_until_the_bytes_are_too_many(void) {
    struct heap *heap = heap_enter();
    const unsigned size_class = size_class_of(1024);
    settings.quarantine = 4 * MIB;
    size_t most = settings.quarantine / 1024, n = 0;
    struct magazine_entry left = {NULL, NULL};
    for (; left.slot == NULL && n < 2 * most; n++) {
        if (n < most / 64 * 62) CHECK(quarantine_take(heap, size_class).slot == NULL);
        put(heap, size_class, n);
        left = quarantine_evict(heap, size_class);
    }
    check_is(left, 0);
    /* The limit is accurate within a few per cent. */
    CHECK(n > most / 100 * 97 && n < most / 100 * 103);
    size_t bytes = quarantine_bytes();
    CHECK(bytes > settings.quarantine / 100 * 95 && bytes < settings.quarantine / 100 * 105);
}

/* The limit holds for the sum of all classes. A class that must keep its slots finds room in
 * classes that are no longer used. */
static void idle_classes_give_way(void) {
    struct heap *heap = heap_enter();
    const unsigned idle = size_class_of(2048), used = size_class_of(512);
    settings.quarantine = 2 * MIB;
    for (uintptr_t i = 0; i < 1000; i++) put(heap, idle, i);
    size_t left_idle = 0, left_used = 0;
    for (uintptr_t i = 0; i < 60000; i++) {
        put(heap, used, 10000 + i);
        for (struct magazine_entry entry; (entry = quarantine_evict(heap, used)).slot != NULL;)
            ++*(entry.slot < numbered(10000).slot ? &left_idle : &left_used);
        CHECK(i >= 2 * CLASSES || left_used == 0);
        CHECK(quarantine_bytes() <= settings.quarantine / 100 * 105);
    }
    CHECK(left_idle >= 15 && left_idle <= 1000 - QUARANTINE_DELAY);
    CHECK(left_used >= 59000);
}

/* Compares the order in each class with a model while slots come and go at random. */
static void the_oldest_leaves_first(void) {
    enum { MODELS = 4 };
    struct heap *heap = heap_enter();
    const unsigned classes[MODELS] = {size_class_of(64), size_class_of(1024), size_class_of(5000),
                                      size_class_of(32768)};
    uintptr_t first[MODELS], next[MODELS];
    for (unsigned i = 0; i < MODELS; i++) first[i] = next[i] = i << 20;
    settings.quarantine = MIB;
    for (int i = 0; i < 300000; i++) {
        size_t which = random_below(&seed, MODELS), steps = random_below(&seed, 3);
        if (next[which] - (which << 20) < (1 << 20) - 1) put(heap, classes[which], next[which]++);
        for (size_t k = 0; k < steps; k++) {
            struct magazine_entry entry = k == 0 ? quarantine_evict(heap, classes[which])
                                                 : quarantine_take(heap, classes[which]);
            if (entry.slot == NULL) continue;
            size_t of = (size_t)(entry.slot - numbered(0).slot) >> 20;
            CHECK(k == 0 || of == which);
            check_is(entry, first[of]++);
        }
        if (i % 50000 == 49999) {
            for (struct magazine_entry entry; (entry = quarantine_relieve(heap)).slot != NULL;)
                check_is(entry, first[(size_t)(entry.slot - numbered(0).slot) >> 20]++);
            for (unsigned k = 0; k < MODELS; k++) CHECK_EQUAL(first[k], next[k]);
        }
    }
}

static void relief_returns_every_slot(void) {
    struct heap *heap = heap_enter();
    for (unsigned size_class = 0; size_class < CLASSES; size_class++)
        for (uintptr_t i = 0; i < 10; i++) put(heap, size_class, size_class * 10 + i);
    static bool seen[CLASSES * 10];
    for (size_t i = 0; i < CLASSES * 10; i++) {
        struct magazine_entry entry = quarantine_relieve(heap);
        size_t number = (size_t)(entry.slot - numbered(0).slot);
        CHECK(number < CLASSES * 10 && !seen[number]);
        seen[number] = true;
    }
    CHECK(quarantine_relieve(heap).slot == NULL);
    CHECK(quarantine_take(heap, 5).slot == NULL);
}

static void *hold_half(void *unused) {
    struct heap *heap = heap_enter();
    for (uintptr_t i = 0; i < MIB / 1024; i++) {
        put(heap, size_class_of(1024), i);
        CHECK(quarantine_evict(heap, size_class_of(1024)).slot == NULL);
    }
    heap_leave(heap);
    return unused;
}

/* Slots in another thread's quarantine count towards the limit, but they stay there. */
static void the_limit_is_for_all_heaps(void) {
    struct heap *heap = heap_enter();
    settings.quarantine = 2 * MIB;
    run_in_thread(hold_half, NULL);
    size_t bytes = quarantine_bytes(), n = 0;
    CHECK(bytes > MIB / 100 * 95 && bytes < MIB / 100 * 105);
    for (; n < 4000; n++) {
        put(heap, size_class_of(1024), 5000 + n);
        struct magazine_entry entry = quarantine_evict(heap, size_class_of(1024));
        if (entry.slot == NULL) continue;
        check_is(entry, 5000);
        break;
    }
    CHECK(n > MIB / 1024 / 100 * 95 && n < MIB / 1024 / 100 * 107);
}

static struct body bodies[] = {
    BODY(an_empty_quarantine_returns_nothing),
    BODY(a_slot_waits_for_others_of_its_class),
    BODY(slots_stay_until_the_bytes_are_too_many),
    BODY(idle_classes_give_way),
    BODY(the_oldest_leaves_first),
    BODY(relief_returns_every_slot),
    BODY(the_limit_is_for_all_heaps),
};

int main(void) { return run_bodies(bodies); }
