/*
 * Neither the library's start nor an allocation moves the program break. With backend=brk they move
 * it, but memory that the program itself adds to its data segment still belongs to the program.
 */
#define _GNU_SOURCE
#include "check.h"
#include "churn.h"

#include <malloc.h>
#include <string.h>
#include <unistd.h>

/* Returns the break as it was when the program started: field 47 of /proc/self/stat. */
static uintptr_t initial_break(void) {
    unsigned long start_brk = 0;
    FILE *file = fopen("/proc/self/stat", "r");
    CHECK(file != NULL);
    CHECK_EQUAL(fscanf(file, "%*[^)])"), 0); /* The first two fields. */
    for (int field = 3; field < 47; field++) CHECK_EQUAL(fscanf(file, " %*s"), 0);
    CHECK_EQUAL(fscanf(file, "%lu", &start_brk), 1);
    fclose(file);
    return start_brk;
}

static bool blocks_are_at_the_break(void) {
    const char *options = getenv("MALLOW_OPTIONS");
    return options != NULL && strstr(options, "backend=brk") != NULL;
}

static void without_a_move(struct churn *churn) {
    churn_steps(churn, 10000);
    CHECK((uintptr_t)sbrk(0) == initial_break());
    CHECK(sbrk(4096) != (void *)-1);
    churn_steps(churn, 10000);
    CHECK((uintptr_t)sbrk(0) == initial_break() + 4096);
}

/* The program adds pieces of odd sizes to the segment while the heap grows around them. */
static void beside_each_other(struct churn *churn) {
    enum { PIECES = 20, LARGE = 100000 };
    static char *pieces[PIECES], *large[PIECES];
    size_t foreign = 0, own = 0;
    churn_steps(churn, 1000);
    CHECK((uintptr_t)sbrk(0) > initial_break());
    for (int i = 0; i < PIECES; i++) {
        size_t size = (size_t)i * 20001;
        CHECK((pieces[i] = sbrk((intptr_t)size)) != (void *)-1);
        pattern_fill(pieces[i], size, (uint64_t)i);
        CHECK((large[i] = malloc(LARGE)) != NULL);
        pattern_fill(large[i], LARGE, ~(uint64_t)i);
        churn_steps(churn, 1000);
        foreign += size;
        own += LARGE;
    }
    for (int i = 0; i < PIECES; i++) {
        CHECK(pattern_holds(pieces[i], (size_t)i * 20001, (uint64_t)i));
        CHECK(pattern_holds(large[i], LARGE, ~(uint64_t)i));
        free(large[i]);
    }
    size_t segment = (size_t)((uintptr_t)sbrk(0) - initial_break());
    CHECK(mallinfo2().arena >= own);
    CHECK(mallinfo2().arena <= segment - foreign);
}

int main(void) {
    if (!running_on_mallow()) skip("the system's malloc moves the break");
    static struct churn churn = {.random = 1};
    if (blocks_are_at_the_break())
        beside_each_other(&churn);
    else
        without_a_move(&churn);
    churn_finish(&churn);
}
