/* The heap chooses its address space by what the operating system grants: a range of addresses,
 * otherwise a reservation, a smaller one, or the program break. */
#include "check.h"
#include "mallow.h"
#include "mapped_page.h"
#include "os/os.h"
#include "pages/space.h"
#include "processes.h"

#include <string.h>

static struct {
    unsigned bits; /* of addresses; 0: those of this machine */
    bool no_extend, no_break;
    size_t largest_reserve; /* bytes */
} system_is;

/* ---- ld --wrap ---- */

unsigned __real_os_address_bits(void);
unsigned __wrap_os_address_bits(void);
unsigned __wrap_os_address_bits(void) {
    return system_is.bits != 0 ? system_is.bits : __real_os_address_bits();
}

enum os_extended __real_os_extend(void *start, size_t bytes);
enum os_extended __wrap_os_extend(void *start, size_t bytes);
enum os_extended __wrap_os_extend(void *start, size_t bytes) {
    return system_is.no_extend ? OS_EXTEND_REFUSED : __real_os_extend(start, bytes);
}

bool __real_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to) {
    return !system_is.no_break && __real_os_break_move(from, to);
}

void *__real_os_reserve(size_t bytes);
void *__wrap_os_reserve(size_t bytes);
void *__wrap_os_reserve(size_t bytes) {
    return bytes <= system_is.largest_reserve ? __real_os_reserve(bytes) : NULL;
}

/* ---- the cases ---- */

static void check_usable(void) {
    enum { BLOCKS = 2000, SIZE = 1000 };
    static char *blocks[BLOCKS];
    for (int i = 0; i < BLOCKS; i++) {
        CHECK((blocks[i] = mallow_malloc(SIZE)) != NULL);
        CHECK(granule_of(blocks[i]) < space.granules);
        memset(blocks[i], i, SIZE);
    }
    for (int i = 0; i < BLOCKS; i++) {
        CHECK(blocks[i][0] == (char)i && blocks[i][SIZE - 1] == (char)i);
        mallow_free(blocks[i]);
    }
}

/* A block with a mapping of its own is followed by addresses that are not mapped, wherever it is.
 */
static void check_large(void) {
    size_t size = 256 * KIB;
    char *blocks[8];
    for (int i = 0; i < 8; i++) CHECK((blocks[i] = mallow_malloc(size)) != NULL);
    for (int i = 0; i < 8; i++) {
        CHECK(granule_of(blocks[i]) >= space.granules);
        CHECK(!page_is_mapped(blocks[i] + size));
    }
    for (int i = 0; i < 8; i++) mallow_free(blocks[i]);
}

static void check_range(unsigned bits) {
    system_is.bits = bits;
    check_usable();
    uintptr_t all = (uintptr_t)1 << bits, first = (uintptr_t)space.slabs;
    uintptr_t end = (uintptr_t)space.base + space.block_part.limit;
    check_large();
    CHECK(space.block_part.by == GROW_MAPPED);
    CHECK(first >= all / 8 && end <= all / 8 * 5);
    size_t blocks = (size_t)512 * GIB;
    if (blocks > all / 10) blocks = all / 10;
    CHECK(space.block_part.limit >= blocks && space.block_part.limit <= (size_t)512 * GIB);
}

static void range_47(void) { check_range(47); }
static void range_39(void) { check_range(39); }
static void range_36(void) { check_range(36); }

static void large_reservation(void) {
    system_is.no_extend = true;
    system_is.largest_reserve = SIZE_MAX;
    check_usable();
    check_large();
    CHECK(space.block_part.by == GROW_COMMITTED);
    CHECK_EQUAL(space.block_part.limit, 512 * GIB);
}

static void small_reservation(void) {
    system_is.no_extend = true;
    system_is.largest_reserve = 100 * MIB;
    check_usable();
    CHECK(space.block_part.by == GROW_COMMITTED && space.meta_part.by == GROW_COMMITTED);
    CHECK_EQUAL(space.block_part.limit, 64 * MIB);
}

static void hardly_any_reservation(void) {
    system_is.no_extend = true;
    system_is.largest_reserve = 5 * MIB;
    check_usable();
    CHECK(space.block_part.by == GROW_BREAK && space.meta_part.by == GROW_COMMITTED);
    CHECK(space.base < (char *)sbrk(0));
}

static void break_with_reservation(void) {
    setenv("MALLOW_OPTIONS", "backend=brk", 1);
    system_is.no_extend = true;
    system_is.largest_reserve = 100 * MIB;
    check_usable();
    CHECK(space.block_part.by == GROW_BREAK && space.meta_part.by == GROW_COMMITTED);
}

static void no_break(void) {
    setenv("MALLOW_OPTIONS", "backend=brk", 1);
    system_is.no_break = true;
    check_usable();
    CHECK(space.block_part.by == GROW_MAPPED && space.base >= (char *)sbrk(0));
    CHECK(space.base - (char *)sbrk(0) < (ptrdiff_t)GRANULE);
}

static void neither_break_nor_range(void) {
    setenv("MALLOW_OPTIONS", "backend=brk", 1);
    system_is.no_break = system_is.no_extend = true;
    system_is.largest_reserve = 1 * GIB;
    check_usable();
    CHECK(space.block_part.by == GROW_COMMITTED);
}

static void nothing_and_later_all(void) {
    system_is.no_break = system_is.no_extend = true;
    CHECK(mallow_malloc(1) == NULL);
    CHECK(space.granules == 0);
    system_is.no_break = system_is.no_extend = false;
    check_usable();
}

int main(void) {
    void (*const systems[])(void) = {range_47,
                                     range_39,
                                     range_36,
                                     large_reservation,
                                     small_reservation,
                                     hardly_any_reservation,
                                     break_with_reservation,
                                     no_break,
                                     neither_break_nor_range,
                                     nothing_and_later_all};
    for (size_t i = 0; i < sizeof(systems) / sizeof(systems[0]); i++) {
        pid_t child = start_child();
        if (child == 0) {
            setenv("MALLOW_OPTIONS", "", 1);
            systems[i]();
            _exit(EXIT_SUCCESS);
        }
        check_child_succeeds(child);
    }
}
