/* mallinfo2(3) and its older form: blocks in use, free chunks, and mappings of their own. */
#include "check.h"

#include <malloc.h>

enum { COUNT = 40, SIZE = 1500, MAPPED = 10 << 20 };

static void blocks_in_use(void) {
    void *blocks[COUNT];
    struct mallinfo2 before = mallinfo2();
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(SIZE);
    struct mallinfo2 during = mallinfo2();
    CHECK(during.uordblks >= before.uordblks + COUNT * SIZE);
    CHECK(during.uordblks < before.uordblks + 2 * COUNT * SIZE);
    CHECK_EQUAL(during.arena, during.uordblks + during.fordblks);
    for (int i = 0; i < COUNT; i++) free(blocks[i]);
    CHECK(mallinfo2().uordblks <= during.uordblks - COUNT * SIZE);
}

/* Every other block is freed, so that no two free ones are neighbours. */
static void free_chunks(void) {
    void *blocks[COUNT];
    for (int i = 0; i < COUNT; i++) blocks[i] = malloc(SIZE);
    for (int i = 0; i < COUNT; i += 2) {
        size_t before = mallinfo2().ordblks;
        free(blocks[i]);
        CHECK_EQUAL(mallinfo2().ordblks, before + 1);
    }
    for (int i = 1; i < COUNT; i += 2) free(blocks[i]);
}

static void own_mappings(void) {
    CHECK_EQUAL(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
    struct mallinfo2 before = mallinfo2();
    void *block = malloc(MAPPED);
    struct mallinfo2 during = mallinfo2();
    CHECK_EQUAL(during.hblks, before.hblks + 1);
    CHECK(during.hblkhd >= before.hblkhd + MAPPED);
    CHECK(during.hblkhd < before.hblkhd + MAPPED + MAPPED / 10);
    CHECK_EQUAL(during.uordblks, before.uordblks);
    CHECK(during.arena < before.arena + MAPPED);
    free(block);
    struct mallinfo2 after = mallinfo2();
    CHECK_EQUAL(after.hblks, before.hblks);
    CHECK_EQUAL(after.hblkhd, before.hblkhd);
}

/* Deprecated, because its fields are int; by name, because the compiler would say so. */
static void older_form(void) {
    struct mallinfo (*mallinfo_function)(void) =
        (struct mallinfo(*)(void))dlsym(RTLD_DEFAULT, "mallinfo");
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo_function();
    CHECK_EQUAL(narrow.arena, (int)wide.arena);
    CHECK_EQUAL(narrow.uordblks, (int)wide.uordblks);
    CHECK_EQUAL(narrow.fordblks, (int)wide.fordblks);
    CHECK_EQUAL(narrow.ordblks, (int)wide.ordblks);
    CHECK_EQUAL(narrow.hblks, (int)wide.hblks);
    CHECK_EQUAL(narrow.hblkhd, (int)wide.hblkhd);
}

int main(void) {
    blocks_in_use();
    free_chunks();
    own_mappings();
    older_form();
}
