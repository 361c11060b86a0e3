/*
 * Each field of mallinfo2(3), and of the older mallinfo, agrees to the byte with what the program
 * did. The size of a block is the one that malloc_usable_size returns.
 */
#include "check.h"

#include <malloc.h>

enum { COUNT = 40, SIZE = 1500, RUN = 120000, MAPPED = 10 << 20 };

static void check_sums(const struct mallinfo2 *info) {
    CHECK_EQUAL(info->arena, info->uordblks + info->fordblks);
    CHECK(info->smblks <= info->ordblks);
    CHECK(info->fsmblks <= info->fordblks);
    CHECK(info->keepcost <= info->fordblks);
    CHECK_EQUAL(info->usmblks, 0);
}

static struct mallinfo2 read_info(void) {
    struct mallinfo2 info = mallinfo2();
    check_sums(&info);
    return info;
}

static size_t allocate(void **blocks, int count, size_t size) {
    size_t bytes = 0;
    for (int i = 0; i < count; i++) {
        blocks[i] = malloc(size);
        bytes += malloc_usable_size(blocks[i]);
    }
    return bytes;
}

static void release(void **blocks, int count) {
    for (int i = 0; i < count; i++) free(blocks[i]);
}

static void blocks_in_use(void) {
    static const size_t sizes[] = {1, 24, 100, 1000, SIZE, 32000, RUN};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *blocks[COUNT];
        struct mallinfo2 before = read_info();
        size_t bytes = allocate(blocks, COUNT, sizes[i]);
        struct mallinfo2 during = read_info();
        CHECK_EQUAL(during.uordblks, before.uordblks + bytes);
        CHECK(during.arena >= before.arena);
        release(blocks, COUNT);
        struct mallinfo2 after = read_info();
        CHECK_EQUAL(after.uordblks, before.uordblks);
        CHECK_EQUAL(after.arena, during.arena);
    }
}

/* Frees every other block, so that no two free blocks are neighbours. */
static void free_chunks(void) {
    void *blocks[COUNT];
    allocate(blocks, COUNT, SIZE);
    for (int i = 0; i < COUNT; i += 2) {
        size_t before = read_info().ordblks;
        free(blocks[i]);
        CHECK_EQUAL(read_info().ordblks, before + 1);
    }
    for (int i = 1; i < COUNT; i += 2) free(blocks[i]);
}

/* The magazines of the thread hold the blocks that were freed last. */
static void cached_chunks(void) {
    enum { CACHED = 3 };
    void *blocks[CACHED];
    malloc_trim(0);
    size_t bytes = allocate(blocks, CACHED, 2000);
    struct mallinfo2 before = read_info();
    release(blocks, CACHED);
    struct mallinfo2 after = read_info();
    CHECK_EQUAL(after.smblks, before.smblks + CACHED);
    CHECK_EQUAL(after.fsmblks, before.fsmblks + bytes);
    CHECK_EQUAL(after.fordblks, before.fordblks + bytes);
    malloc_trim(0);
    CHECK_EQUAL(read_info().smblks, 0);
    CHECK_EQUAL(read_info().fsmblks, 0);
}

/* keepcost is the size of the free pages at the top of the heap, which malloc_trim returns. */
static void releasable(void) {
    void *blocks[COUNT];
    malloc_trim(0);
    CHECK_EQUAL(read_info().keepcost, 0);
    /* The first blocks fill the free memory below, and the last one lies at the top. */
    size_t bytes = allocate(blocks, COUNT, RUN);
    char *last = malloc(RUN);
    CHECK_EQUAL(read_info().keepcost, 0);
    free(blocks[COUNT / 2]);
    CHECK_EQUAL(read_info().keepcost, 0);
    free(last);
    CHECK_EQUAL(read_info().keepcost, bytes / COUNT);
    CHECK_EQUAL(malloc_trim(0), 1);
    CHECK_EQUAL(read_info().keepcost, 0);
    blocks[COUNT / 2] = NULL;
    release(blocks, COUNT);
    CHECK(read_info().keepcost >= bytes / COUNT);
    malloc_trim(0);
    CHECK_EQUAL(read_info().keepcost, 0);
}

static void own_mappings(void) {
    CHECK_EQUAL(mallopt(M_MMAP_THRESHOLD, 1 << 20), 1);
    struct mallinfo2 before = read_info();
    void *block = malloc(MAPPED);
    struct mallinfo2 during = read_info();
    CHECK_EQUAL(during.hblks, before.hblks + 1);
    CHECK_EQUAL(during.hblkhd, before.hblkhd + malloc_usable_size(block));
    CHECK_EQUAL(during.uordblks, before.uordblks);
    CHECK_EQUAL(during.arena, before.arena);
    block = realloc(block, 2 * MAPPED);
    CHECK_EQUAL(read_info().hblks, before.hblks + 1);
    CHECK_EQUAL(read_info().hblkhd, before.hblkhd + malloc_usable_size(block));
    free(block);
    struct mallinfo2 after = read_info();
    CHECK_EQUAL(after.hblks, before.hblks);
    CHECK_EQUAL(after.hblkhd, before.hblkhd);
}

/* However a large block is allocated, it is counted in exactly one place. */
static void large_blocks(void) {
    static const size_t sizes[] = {RUN, 3 * RUN, MAPPED};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        void *blocks[COUNT];
        struct mallinfo2 before = read_info();
        size_t bytes = allocate(blocks, COUNT, sizes[i]);
        struct mallinfo2 during = read_info();
        CHECK_EQUAL(during.uordblks + during.hblkhd, before.uordblks + before.hblkhd + bytes);
        release(blocks, COUNT);
        struct mallinfo2 after = read_info();
        CHECK_EQUAL(after.uordblks + after.hblkhd, before.uordblks + before.hblkhd);
        CHECK_EQUAL(after.hblks, before.hblks);
    }
}

/* mallinfo is deprecated, because its fields are int. It is looked up by name, because the compiler
 * would warn. */
static void older_form(void) {
    struct mallinfo (*mallinfo_function)(void) =
        (struct mallinfo(*)(void))dlsym(RTLD_DEFAULT, "mallinfo");
    struct mallinfo2 wide = mallinfo2();
    struct mallinfo narrow = mallinfo_function();
    CHECK_EQUAL(narrow.arena, (int)wide.arena);
    CHECK_EQUAL(narrow.ordblks, (int)wide.ordblks);
    CHECK_EQUAL(narrow.smblks, (int)wide.smblks);
    CHECK_EQUAL(narrow.hblks, (int)wide.hblks);
    CHECK_EQUAL(narrow.hblkhd, (int)wide.hblkhd);
    CHECK_EQUAL(narrow.usmblks, (int)wide.usmblks);
    CHECK_EQUAL(narrow.fsmblks, (int)wide.fsmblks);
    CHECK_EQUAL(narrow.uordblks, (int)wide.uordblks);
    CHECK_EQUAL(narrow.fordblks, (int)wide.fordblks);
    CHECK_EQUAL(narrow.keepcost, (int)wide.keepcost);
}

/* mallinfo [large]: with "large", only the checks that hold in every mode. */
int main(int argc, char **argv) {
    (void)argv;
    if (argc == 1) {
        blocks_in_use();
        free_chunks();
        cached_chunks();
        releasable();
    }
    large_blocks();
    own_mappings();
    older_form();
}
