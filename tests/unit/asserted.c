/* Each test violates an invariant in a child, and the right assertion must end the child. */
#include "unit.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/settings.h"
#include "guard/guard_place.h"
#include "guard/guard_range.h"
#include "heap/fast.h"
#include "heap/heap_enter.h"
#include "heap/heap_reap.h"
#include "heap/heap_valid.h"
#include "heap/magazine.h"
#include "heap/mode.h"
#include "heap/slab.h"
#include "heap/slab_lists.h"
#include "mallow.h"
#include "pages/free_runs.h"
#include "pages/pages.h"
#include "pages/pages_valid.h"
#include "pages/space.h"

enum { BLOCKS = 200, BYTES = 208, RUN = 10 };

/* Runs the violation in a child, which must abort. Puts the child's standard error in `message`. */
static void run_violation(void (*violate)(void), char *message, size_t size) {
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        dup2(ends[1], STDERR_FILENO);
        violate();
        _exit(0);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], message + length, size - 1 - length)) > 0;)
        length += (size_t)got;
    message[length] = '\0';
    close(ends[0]);
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGABRT);
}

/* Checks that the message is one line, about this expression in this function. */
static void expect(void (*violate)(void), const char *expression, const char *file,
                   const char *function) {
    char message[1024], begin[512], end[128];
    run_violation(violate, message, sizeof message);
    snprintf(begin, sizeof begin, "mallow: assertion failed: %s (%s:", expression, file);
    snprintf(end, sizeof end, ", %s)\n", function);
    if (strncmp(message, begin, strlen(begin)) != 0 || strchr(message, '\n')[1] != '\0' ||
        strcmp(message + strlen(message) - strlen(end), end) != 0)
        fail_msg("not '%s...%s': '%s'", begin, end, message);
}

/* ---- a heap in use ---- */

static unsigned class_used(void) { return size_class_of(BYTES); }

/* Returns a heap in a slow path, with a slab of the class and a magazine that is half full. */
static struct heap *used_heap(void) {
    static void *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) blocks[i] = mallow_malloc(BYTES);
    for (int i = 0; i < BLOCKS; i++) mallow_free(blocks[i]);
    struct heap *heap = heap_enter();
    assert_non_null(heap);
    assert_true(heap_is_valid(heap));
    assert_true(magazine_count(heap, class_used()) > 1);
    assert_non_null(heap->bin[class_used()].partial);
    return heap;
}

static struct magazine_entry *newest(struct heap *heap) { return heap->magazine[class_used()].top; }

static struct lock_hold hold;

static uint32_t used_run(void) {
    bool clean;
    space_start();
    open_lock_take(&global_lock, &hold);
    pages_alloc(RUN, 1, RUN_BLOCK, &clean);
    uint32_t page = pages_alloc(RUN, 1, RUN_BLOCK, &clean);
    pages_alloc(RUN, 1, RUN_BLOCK, &clean);
    return page;
}

/* ---- locks ---- */

static void alloc_pages_without_lock(void) {
    bool clean;
    space_start();
    pages_alloc(1, 1, RUN_BLOCK, &clean);
}

static void *hold_lock(void *unused) {
    static struct lock_hold other_hold;
    open_lock_take(&global_lock, &other_hold);
    return unused;
}

static void alloc_pages_under_the_lock_of_another(void) {
    pthread_t thread;
    space_start();
    pthread_create(&thread, NULL, hold_lock, NULL);
    pthread_join(thread, NULL);
    alloc_pages_without_lock();
}

static void place_guards_without_lock(void) { guard_place_take(1, 1); }

static void take_slots_without_entering(void) {
    struct heap *heap = used_heap();
    heap_leave(heap);
    slab_take(heap, heap->bin[class_used()].partial, 1);
}

static void a_lock_that_is_not_held(void **state) {
    (void)state;
    expect(alloc_pages_without_lock, "open_lock_is_held(&global_lock)", "pages/pages.c",
           "pages_alloc");
    expect(alloc_pages_under_the_lock_of_another, "open_lock_is_held(&global_lock)",
           "pages/pages.c", "pages_alloc");
    expect(place_guards_without_lock, "open_lock_is_held(&guard_lock)", "guard/guard_place.c",
           "guard_place_take");
    expect(take_slots_without_entering, "heap_is_entered(heap)", "heap/slab_take.c",
           "slab_begin_take");
}

/* ---- magazines ---- */

static void overwrite_sentinel(void) {
    struct heap *heap = used_heap();
    newest(heap)[-(ptrdiff_t)magazine_count(heap, class_used())] = *newest(heap);
    magazine_flush(heap, class_used(), 1);
}

static void a_magazine_without_its_sentinel(void **state) {
    (void)state;
    expect(overwrite_sentinel, "bottom->slot == NULL", "heap/magazine_valid.c",
           "magazine_is_valid");
}

static void push_on_the_magazine_of_another_class(void) {
    struct heap *heap = used_heap();
    unsigned other = class_used() + 1;
    magazine_grow(heap, other);
    magazine_push(heap, other, *newest(heap));
    heap_reap(heap);
}

/* The thread has entered both heaps. */
static void push_on_the_magazine_of_another_heap(void) {
    static struct heap other;
    struct heap *heap = used_heap();
    magazines_init(&other);
    owner_take(&other.owner);
    other.busy = 1;
    magazine_grow(&other, class_used());
    magazine_push(&other, class_used(), *newest(heap));
    magazine_flush(&other, class_used(), 1);
}

static void push_twice(void) {
    struct heap *heap = used_heap();
    magazine_push(heap, class_used(), newest(heap)[-1]);
    magazine_flush(heap, class_used(), 1);
}

/* While calls are counted, the fast path must find no slot. */
static void push_on_the_magazine_of_the_fast_path(void) {
    mode_sees = MODE_SEES_COUNTED;
    settings.generation++;
    struct heap *heap = used_heap();
    struct magazine_entry array[2] = {{0}, *heap->cached[class_used()].top};
    heap->magazine[class_used()] = (struct magazine){array + 1, array + 2};
    heap_reap(heap);
}

static void a_freed_slot_on_two_magazines(void **state) {
    (void)state;
    expect(push_on_the_magazine_of_another_class, "slab->size_class == size_class",
           "heap/magazine_valid.c", "magazine_entry_is_valid");
    expect(push_on_the_magazine_of_another_heap,
           "atomic_load_explicit(&slab->owner, memory_order_relaxed) == heap",
           "heap/magazine_valid.c", "magazine_entry_is_valid");
    expect(push_twice, "!magazine_has(entry->slot, bottom + 1, (size_t)(entry - bottom - 1))",
           "heap/magazine_valid.c", "magazine_is_valid");
    expect(push_on_the_magazine_of_the_fast_path,
           "magazine == &heap->magazine[size_class] || heap->magazine[size_class].top == "
           "&heap->counting->sentinels[size_class]",
           "heap/magazine_valid.c", "magazine_is_valid");
}

static void keep_a_used_slot(void) {
    struct heap *heap = used_heap();
    slot_state_set(newest(heap)->state, SLOT_USED);
    magazine_flush(heap, class_used(), 1);
}

static void a_used_slot_on_a_magazine(void **state) {
    (void)state;
    expect(keep_a_used_slot, "state == SLOT_CACHED || state == SLOT_CACHED_FRESH",
           "heap/magazine_valid.c", "magazine_entry_is_valid");
}

/* ---- slabs ---- */

static void list_again(void) {
    struct heap *heap = used_heap();
    slab_bin_add(heap, heap->bin[class_used()].partial);
}

/* One slab is at both ends of the list. */
static void list_in_a_circle(void) {
    struct heap *heap = used_heap();
    struct slab *first = heap->bin[class_used()].partial, *last = slab_create(heap, class_used());
    last->next = first;
    first->next = last;
    heap_lists_are_valid(heap);
}

static void list_for_another_class(void) {
    struct heap *heap = used_heap();
    heap->bin[class_used() + 1].partial = heap->bin[class_used()].partial;
    heap_lists_are_valid(heap);
}

static void keep_empty_twice(void) {
    struct heap *heap = used_heap();
    heap_reap(heap);
    struct slab *slab = slab_create(heap, class_used());
    heap->empty[0] = heap->empty[1] = slab;
    heap->empties = 2;
    heap_lists_are_valid(heap);
}

static void a_slab_that_is_listed_twice(void **state) {
    (void)state;
    expect(list_again, "!slab->listed", "heap/slab_lists.h", "slab_bin_add");
    expect(list_in_a_circle, "slab->prev == before", "heap/heap_valid.c", "heap_lists_are_valid");
    expect(list_for_another_class, "slab->size_class == size_class", "heap/heap_valid.c",
           "heap_lists_are_valid");
    expect(keep_empty_twice, "heap->empty[other] != slab", "heap/heap_valid.c",
           "heap_empty_slab_is_valid");
}

static void count_a_slot_twice(void) {
    struct heap *heap = used_heap();
    heap->bin[class_used()].partial->in_use--;
    heap_is_valid(heap);
}

static void a_count_that_disagrees_with_the_states(void **state) {
    (void)state;
    expect(count_a_slot_twice, "available == slab->capacity - slab->in_use", "heap/slab_valid.c",
           "slab_states_are_valid");
}

/* ---- runs ---- */

static void shorten_a_used_run(void) {
    uint32_t page = used_run();
    run_set_tag(page, RUN_BLOCK, RUN - 1, false);
    pages_free(page, false);
}

static void shorten_the_end_of_a_free_run(void) {
    uint32_t page = used_run();
    pages_free(page, false);
    run_set_tag(page + RUN - 1, RUN_FREE_END, RUN - 1, true);
    pages_are_valid();
}

static void list_a_run_by_the_wrong_length(void) {
    uint32_t page = used_run();
    pages_free(page, false);
    run_set_tag(page, RUN_FREE, RUN - 1, true);
    run_set_tag(page + RUN - 2, RUN_FREE_END, RUN - 1, true);
    run_clear_tag(page + RUN - 1);
    run_set_tag(page + RUN - 1, RUN_BLOCK, 1, false);
    pages_are_valid();
}

static void free_twice(void) {
    uint32_t page = used_run();
    pages_free(page, false);
    pages_free(page, false);
}

static void a_run_tag_that_disagrees_with_its_length(void **state) {
    (void)state;
    expect(shorten_a_used_run, "tag_kind(after) != RUN_INSIDE", "pages/pages_valid.c",
           "pages_run_is_valid");
    expect(shorten_the_end_of_a_free_run, "tag_pages(end) == tag_pages(tag)", "pages/free_runs.c",
           "free_run_is_valid");
    expect(list_a_run_by_the_wrong_length, "free_bin_of(tag_pages(run_tag(page))) == bin",
           "pages/pages_valid.c", "pages_list_count");
    expect(free_twice,
           "tag_kind(run_tag(page)) >= RUN_LATER && tag_kind(run_tag(page)) <= RUN_SLAB",
           "pages/pages.c", "pages_free");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lock_that_is_not_held),
        cmocka_unit_test(a_magazine_without_its_sentinel),
        cmocka_unit_test(a_freed_slot_on_two_magazines),
        cmocka_unit_test(a_used_slot_on_a_magazine),
        cmocka_unit_test(a_slab_that_is_listed_twice),
        cmocka_unit_test(a_count_that_disagrees_with_the_states),
        cmocka_unit_test(a_run_tag_that_disagrees_with_its_length),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
