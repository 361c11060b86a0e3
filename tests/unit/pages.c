/*
 * Compares the page heap with a model that knows the state of each page. Random runs are taken,
 * freed, shrunk, extended and purged, and after each step the tags of all pages must agree with the
 * model.
 */
#include "held.h"
#include "unit.h"

#include <string.h>

#include "base/settings.h"
#include "os/os.h"
#include "pages/pages.h"
#include "pages/purge.h"
#include "pages/purge_runs.h"
#include "pages/space.h"
#include "random.h"

enum { PAGES_MAX = 16384, RUNS_MAX = 256, STEPS = 20000 };

enum page_state { DIRTY = -1, CLEAN = -2 }; /* otherwise the number of the page's run */

static int16_t model[PAGES_MAX];

static struct used {
    uint32_t page, pages; /* pages 0: the entry is unused */
    enum run_kind kind;
} runs[RUNS_MAX];

static uint64_t seed = 1;

static bool is_zero(uint32_t page) {
    static const char zeros[RUN_PAGE];
    return memcmp(page_start(page), zeros, RUN_PAGE) == 0;
}

/* Writes its own number to each page, so that no page is zero. */
static void write_pages(uint32_t page, uint32_t pages) {
    for (uint32_t i = page; i < page + pages; i++) memcpy(page_start(i), &i, sizeof(i));
}

static void assert_written(uint32_t page, uint32_t pages) {
    for (uint32_t i = page; i < page + pages; i++)
        assert_memory_equal(page_start(i), &i, sizeof(i));
}

/* Returns the number of our pages in a page of the kernel, which may be larger. */
static uint32_t kernel_page(void) { return (uint32_t)(os_page_size() / RUN_PAGE); }

static bool is_whole(uint32_t page, uint32_t pages) {
    return page % kernel_page() == 0 && pages % kernel_page() == 0;
}

static void set_model(uint32_t page, uint32_t pages, int to) {
    for (uint32_t i = page; i < page + pages; i++) model[i] = (int16_t)to;
}

static bool model_is(uint32_t page, uint32_t pages, int what) {
    for (uint32_t i = page; i < page + pages; i++)
        if (model[i] != what) return false;
    return true;
}

static bool model_is_free(uint32_t page, uint32_t pages) {
    for (uint32_t i = page; i < page + pages; i++)
        if (model[i] >= 0) return false;
    return true;
}

/* Returns the number of equal pages in the model from `page` on. */
static uint32_t model_length(uint32_t page, size_t top) {
    uint32_t length = 1;
    while (page + length < top && model[page + length] == model[page]) length++;
    return length;
}

/* ---- invariants ---- */

static void check_free_run(uint32_t page, uint32_t pages) {
    assert_int_equal(tag_kind(run_tag(page)), RUN_FREE);
    assert_int_equal(tag_pages(run_tag(page)), pages); /* neighbours of the same state are merged */
    assert_int_equal(tag_dirty(run_tag(page)), model[page] == DIRTY);
    if (pages == 1) return;
    uint64_t end = run_tag(page + pages - 1);
    assert_int_equal(tag_kind(end), RUN_FREE_END);
    assert_int_equal(tag_pages(end), pages);
    assert_int_equal(tag_dirty(end), model[page] == DIRTY);
}

static void check_used_run(uint32_t page, uint32_t pages) {
    const struct used *run = &runs[model[page]];
    assert_int_equal(run->page, page);
    assert_int_equal(run->pages, pages);
    assert_int_equal(tag_kind(run_tag(page)), run->kind);
    assert_int_equal(tag_pages(run_tag(page)), pages);
}

static void check_all(void) {
    struct page_counts expected = {0}, now = pages_count();
    expected.top = now.top;
    assert_true(now.top <= PAGES_MAX);
    for (uint32_t page = GRANULE_PAGES; page < now.top;) {
        uint32_t pages = model_length(page, now.top);
        if (model[page] >= 0) {
            check_used_run(page, pages);
            expected.used += pages;
        } else {
            check_free_run(page, pages);
            expected.free_runs++;
            *(model[page] == DIRTY ? &expected.dirty : &expected.clean) += pages;
        }
        page += pages;
    }
    assert_memory_equal(&now, &expected, sizeof(now));
}

/* ---- steps ---- */

static struct used *random_run(bool used) {
    struct used *run = &runs[random_below(&seed, RUNS_MAX)];
    return (run->pages != 0) == used ? run : NULL;
}

static uint32_t random_pages(void) {
    return 1 + (uint32_t)random_below(&seed, (size_t)1 << random_below(&seed, 8));
}

static void step_alloc(void) {
    struct used *run = random_run(false);
    if (run == NULL) return;
    uint32_t pages = random_pages(), align = 1u << random_below(&seed, 7);
    enum run_kind kind = random_below(&seed, 2) == 0 ? RUN_BLOCK : RUN_SLAB;
    bool clean;
    settings.randomize = random_below(&seed, 2) == 0;
    uint32_t page = LOCKED(pages_alloc(pages, align, kind, &clean));
    assert_int_not_equal(page, 0);
    assert_int_equal((uintptr_t)page_start(page) % (align * RUN_PAGE), 0);
    assert_true(clean ? model_is(page, pages, CLEAN) : model_is_free(page, pages));
    assert_true(clean || !model_is(page, pages, CLEAN));
    for (uint32_t i = page; clean && i < page + pages; i++) assert_true(is_zero(i));
    write_pages(page, pages);
    *run = (struct used){page, pages, kind};
    set_model(page, pages, (int)(run - runs));
}

static void step_free(void) {
    struct used *run = random_run(true);
    if (run == NULL) return;
    assert_written(run->page, run->pages);
    bool clean = random_below(&seed, 8) == 0 && is_whole(run->page, run->pages);
    if (clean) os_purge(page_start(run->page), run->pages * RUN_PAGE);
    LOCKED(pages_free(run->page, clean));
    set_model(run->page, run->pages, clean ? CLEAN : DIRTY);
    run->pages = 0;
}

/* Frees a run without the lock, which succeeds once. The next pages_settle returns it. */
static void step_free_later(void) {
    struct used *run = random_run(true);
    if (run == NULL) return;
    bool is_block = run->kind == RUN_BLOCK;
    assert_int_equal(pages_free_later(run->page), is_block);
    assert_false(pages_free_later(run->page));
    if (!is_block) return;
    assert_int_equal(tag_kind(run_tag(run->page)), RUN_LATER);
    if (random_below(&seed, 2) == 0) LOCKED(pages_settle());
    set_model(run->page, run->pages, DIRTY);
    run->pages = 0;
    LOCKED(pages_settle());
}

static void step_shrink(void) {
    struct used *run = random_run(true);
    if (run == NULL || run->pages == 1) return;
    uint32_t pages = 1 + (uint32_t)random_below(&seed, run->pages - 1);
    LOCKED(pages_shrink(run->page, pages));
    assert_written(run->page, run->pages);
    set_model(run->page + pages, run->pages - pages, DIRTY);
    run->pages = pages;
}

static void step_extend(void) {
    struct used *run = random_run(true);
    if (run == NULL) return;
    uint32_t pages = run->pages + random_pages(), more = pages - run->pages;
    uint32_t next = run->page + run->pages;
    bool room = next + more <= pages_count().top &&
                (model_is(next, more, CLEAN) || model_is(next, more, DIRTY));
    bool at_top =
        next == pages_count().top ||
        (model[next] == CLEAN && next + model_length(next, pages_count().top) == pages_count().top);
    assert_int_equal(LOCKED(pages_extend(run->page, pages)), room || at_top);
    if (!room && !at_top) return;
    assert_written(run->page, run->pages);
    write_pages(next, more);
    set_model(next, more, (int)(run - runs));
    run->pages = pages;
}

/* Counts our dirty pages on pages of the kernel that are dirty as a whole. */
static size_t model_dirty_in_whole(void) {
    size_t count = 0;
    for (uint32_t page = GRANULE_PAGES; page < pages_count().top; page += kernel_page())
        if (page + kernel_page() <= pages_count().top && model_is(page, kernel_page(), DIRTY))
            count += kernel_page();
    return count;
}

/* purge_runs_dirty may choose any dirty pages, but they must be clean afterwards. */
static void step_purge(void) {
    size_t want = random_below(&seed, 300), dirty = pages_count().dirty;
    size_t purged = LOCKED(purge_runs_dirty(want)), cleaned = 0;
    size_t all = model_dirty_in_whole();
    if (want < dirty) want = want / kernel_page() * kernel_page();
    assert_in_range(purged, want < all ? want : all, want + kernel_page());
    if (kernel_page() == 1) assert_int_equal(purged, want < dirty ? want : dirty);
    for (uint32_t page = GRANULE_PAGES; page < pages_count().top; page++) {
        if (model[page] != DIRTY || !is_zero(page)) continue;
        model[page] = CLEAN;
        cleaned++;
    }
    assert_int_equal(cleaned, purged);
}

static void set_kind_of_all(enum granule_kind kind) {
    for (size_t granule = 0; granule < space.granules; granule++)
        slab_of(granule)->kind = (uint8_t)kind;
}

/* Rebuilds the page heap as after a fork: free pages may hold anything, and runs of slabs belong to
 * finished slabs. */
static void step_rebuild(void) {
    set_kind_of_all(GRANULE_SHARED);
    for (uint32_t page = GRANULE_PAGES; page < pages_count().top; page++)
        if (model[page] < 0) model[page] = DIRTY, write_pages(page, 1);
    LOCKED(pages_rebuild(random_below(&seed, 2) == 0));
    set_kind_of_all(GRANULE_RUNS);
}

static void step_find_start(void) {
    struct used *run = random_run(true);
    if (run == NULL) return;
    uint32_t inside = run->page + (uint32_t)random_below(&seed, run->pages);
    assert_int_equal(pages_find_start(inside), run->page);
}

static void random_steps_agree_with_the_model(void **state) {
    (void)state;
    static void (*const steps[])(void) = {step_alloc,  step_alloc,      step_alloc,
                                          step_free,   step_free_later, step_free,
                                          step_extend, step_shrink,     step_find_start};
    set_model(0, PAGES_MAX, CLEAN);
    check_all();
    for (int i = 0; i < STEPS; i++) {
        steps[random_below(&seed, sizeof(steps) / sizeof(steps[0]))]();
        if (i % 50 == 0) step_purge();
        if (i % 1000 == 999) step_rebuild();
        check_all();
    }
}

static void all_free_runs_become_one(void **state) {
    (void)state;
    for (int i = 0; i < RUNS_MAX; i++) {
        if (runs[i].pages == 0) continue;
        LOCKED(pages_free(runs[i].page, false));
        set_model(runs[i].page, runs[i].pages, DIRTY);
        runs[i].pages = 0;
    }
    size_t whole = model_dirty_in_whole();
    assert_int_equal(LOCKED(purge_runs_dirty(SIZE_MAX)), whole);
    if (kernel_page() > 1) return; /* the rest is in pieces */
    set_model(GRANULE_PAGES, PAGES_MAX - GRANULE_PAGES, CLEAN);
    check_all();
    assert_int_equal(pages_count().free_runs, 1);
}

static uint32_t block_of(uint32_t pages) {
    bool clean;
    uint32_t page = LOCKED(pages_alloc(pages, 1, RUN_BLOCK, &clean));
    assert_int_not_equal(page, 0);
    return page;
}

static void pages_that_wait_for_the_lock_are_limited(void **state) {
    (void)state;
    enum { BLOCKS = 100, PAGES = 64 };
    uint32_t blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) blocks[i] = block_of(PAGES);
    size_t used = pages_count().used;
    assert_true(pages_free_later(blocks[0]));
    assert_int_equal(pages_count().used, used); /* not yet */
    for (int i = 1; i < BLOCKS; i++) assert_true(pages_free_later(blocks[i]));
    assert_true(pages_count().used < used - (BLOCKS - 20) * PAGES); /* 4 MiB may wait: 16 */
    LOCKED(pages_settle());
    assert_int_equal(pages_count().used, used - BLOCKS * PAGES);
}

static void a_rebuild_frees_waiting_pages(void **state) {
    (void)state;
    size_t used = pages_count().used;
    assert_true(pages_free_later(block_of(5)));
    LOCKED(pages_rebuild(true));
    assert_int_equal(pages_count().used, used);
    LOCKED(pages_settle()); /* must not free it a second time */
    assert_int_equal(pages_count().used, used);
}

/* While other threads run, one of them may be about to push the run. */
static void waiting_pages_keep_waiting_while_threads_run(void **state) {
    (void)state;
    size_t used = pages_count().used;
    assert_true(pages_free_later(block_of(5)));
    LOCKED(pages_rebuild(false));
    assert_int_equal(pages_count().used, used + 5);
    LOCKED(pages_settle());
    assert_int_equal(pages_count().used, used);
}

static void an_unfinished_slab_is_free(void **state) {
    bool clean;
    (void)state;
    size_t used = pages_count().used;
    uint32_t page = LOCKED(pages_alloc(2 * GRANULE_PAGES, GRANULE_PAGES, RUN_SLAB, &clean));
    struct slab *second = slab_of(page / GRANULE_PAGES + 1);
    second->kind = GRANULE_SLAB; /* the first granule is described last */
    atomic_store(&second->owner, (struct heap *)second);
    LOCKED(pages_rebuild(false));
    assert_int_equal(pages_count().used, used);
    assert_int_equal(second->kind, GRANULE_RUNS);
    assert_null(atomic_load(&second->owner));
}

/* Nothing goes back to the kernel unless a test asks for it. */
static int start_and_retain_all(void **state) {
    (void)state;
    purge_set_retain(SIZE_MAX - 1);
    return space_start() ? 0 : -1;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_steps_agree_with_the_model),
        cmocka_unit_test(all_free_runs_become_one),
        cmocka_unit_test(pages_that_wait_for_the_lock_are_limited),
        cmocka_unit_test(a_rebuild_frees_waiting_pages),
        cmocka_unit_test(waiting_pages_keep_waiting_while_threads_run),
        cmocka_unit_test(an_unfinished_slab_is_free),
    };
    return cmocka_run_group_tests(tests, start_and_retain_all, NULL);
}
