/* Pages of guarded blocks are accessible exactly while they are open, and zero when they open, with
 * and without the kernel's marks. */
#include "guard_blocks.h"

#include <limits.h>
#include <string.h>

#include "base/settings.h"
#include "failing_os.h"
#include "guard/guard_pages.h"
#include "random.h"

enum { PAGES = 600, PLACE = 3, PLACES = PAGES / PLACE };

static uint64_t seed = 1;

/* ---- the model: which pages are open ---- */

/* A place has two pages for a block and an inaccessible one. */
static struct {
    unsigned open; /* the number of open pages */
    bool stays;    /* its pages could not be closed */
} places[PLACES];

static char *page_at(unsigned n) { return guard_range_page((uint32_t)n); }

static void open_place(unsigned n) {
    struct lock_hold hold;
    unsigned pages = 1 + (unsigned)random_below(&seed, 2);
    char *start = page_at(1 + n * PLACE);
    CHECK(open_lock_take(&guard_lock, &hold));
    bool opened = guard_pages_open((uint32_t)(1 + n * PLACE), pages);
    open_lock_drop(&guard_lock, &hold);
    CHECK(opened || os_calls_failed() > 0);
    if (!opened) return;
    for (size_t i = 0; i < pages * page_bytes; i += 97) CHECK_EQUAL(start[i], 0);
    memset(start, 1, pages * page_bytes);
    places[n].open = pages;
}

static void close_place(unsigned n) {
    struct lock_hold hold;
    CHECK(open_lock_take(&guard_lock, &hold));
    places[n].stays = !guard_pages_close((uint32_t)(1 + n * PLACE), places[n].open);
    open_lock_drop(&guard_lock, &hold);
    CHECK(!places[n].stays || os_calls_failed() > 0);
    places[n].open = 0;
}

static void check_places(unsigned count) {
    CHECK(!is_accessible(page_at(0)));
    for (unsigned n = 0; n < count; n++)
        for (unsigned page = 0; page < PLACE && !places[n].stays; page++)
            CHECK_EQUAL(is_accessible(page_at(1 + n * PLACE + page)), page < places[n].open);
}

/* Places are opened for the first time in ascending order, as guard_place.c does. */
static void use_places(unsigned operations) {
    static unsigned used;
    for (unsigned i = 0; i < operations; i++) {
        if (used < PLACES && random_below(&seed, 4) == 0) open_place(used++);
        if (used == 0) continue;
        unsigned n = (unsigned)random_below(&seed, used);
        if (places[n].stays) continue;
        if (places[n].open != 0)
            close_place(n);
        else
            open_place(n);
        if (i % 50 == 0) check_places(used);
    }
    check_places(used);
}

static void begin(void) {
    struct lock_hold hold;
    CHECK(guard_begin(4 * PAGES * page_bytes));
    CHECK(open_lock_take(&guard_lock, &hold) && guard_range_reach(PAGES + 2, 2));
    open_lock_drop(&guard_lock, &hold);
}

/* ---- tests ---- */

static bool kernel_has_marks(void) {
    char *page = os_map(page_bytes);
    return page != NULL && os_mark(page, page_bytes);
}

static void open_pages_are_accessible(void) {
    begin();
    use_places(2000);
    CHECK_EQUAL(guard_pages_have_marks(1), kernel_has_marks());
}

static void all_marks_may_be_refused(void) {
    begin();
    os_fail(OS_MARK, 1, LONG_MAX);
    use_places(1000);
    CHECK(!guard_pages_have_marks(0));
    os_fail(OS_ANY, LONG_MAX, LONG_MAX);
    use_places(1000);
    CHECK(!guard_pages_have_marks(0));
}

/* An emulator that does not know marks may claim to set them. */
static void marks_without_effect_are_found(void) {
    begin();
    os_fail_unnoticed(OS_MARK, 1, 1);
    use_places(1);
    os_fail(OS_ANY, LONG_MAX, LONG_MAX);
    use_places(1000);
    CHECK(!guard_pages_have_marks(0));
}

static void marks_may_be_refused_later(void) {
    static const enum os_call kinds[] = {OS_MARK, OS_UNMARK, OS_COMMIT, OS_DISCARD, OS_ANY};
    for (int i = 0; i < 5; i++) {
        for (long first = 1; first < 400; first += 1 + first / 4) {
            pid_t child = start_child();
            if (child == 0) {
                begin();
                os_fail(kinds[i], first, first + 3);
                use_places(400);
                os_fail(OS_ANY, LONG_MAX, LONG_MAX);
                use_places(400);
                _exit(0);
            }
            check_child_succeeds(child);
        }
    }
}

static void a_large_range_has_no_marks(void) {
    give_others(100);
    CHECK(guard_range_pages() > 16384 && !guard_pages_have_marks(1));
}

static void the_child_of_a_fork_keeps_marks(void) {
    begin();
    use_places(500);
    pid_t child = start_child();
    if (child == 0) {
        check_places(PLACES / 4);
        use_places(500);
        _exit(0);
    }
    check_child_succeeds(child);
    use_places(500);
}

static size_t mappings(void) {
    static char maps[MIB];
    long length = os_read_file("/proc/self/maps", maps, sizeof maps);
    size_t lines = 0;
    for (long i = 0; i < length; i++) lines += maps[i] == '\n';
    return lines;
}

/* Marks do not split the mapping of the range. */
static void marked_blocks_add_no_mappings(void) {
    settings.guard = 5000;
    give_others(1);
    if (!guard_pages_have_marks(1)) return;
    size_t before = mappings();
    for (int i = 0; i < 6; i++) take(1, UNIT);
    CHECK(mappings() <= before + 2);
}

/* The blocks fill the range exactly, so the next one begins a new round at the bottom. */
static void marks_stay_for_the_next_round(void) {
    settings.guard = 5000;
    if (page_bytes > 16 * KIB) return; /* the budget allows no block of two pages */
    give(take(page_bytes + 1, UNIT));
    for (size_t page = 4; page < guard_range_pages(); page += 2) give(take(1, UNIT));
    for (size_t page = 1; page < guard_range_pages(); page += 2) {
        char *block = take(1, UNIT);
        *block = 1;
        give(block);
        CHECK(!is_accessible(block));
    }
}

static struct body bodies[] = {
    BODY(open_pages_are_accessible),      BODY(all_marks_may_be_refused),
    BODY(marks_without_effect_are_found), BODY(marks_may_be_refused_later),
    BODY(a_large_range_has_no_marks),     BODY(the_child_of_a_fork_keeps_marks),
    BODY(marked_blocks_add_no_mappings),  BODY(marks_stay_for_the_next_round),
};

int main(void) {
    page_bytes = os_page_size();
    return run_bodies(bodies);
}
