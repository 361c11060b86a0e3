/* The size, the alignment and the family that a free passes are checked against the block. */
#include "bodies.h"

#include "base/layout.h"
#include "check/sized_free.h"

static char memory[4096] __attribute__((aligned(4096)));

/* Describes a block whose address is a multiple of 64, but not of 128. */
static struct block_info block(size_t size, enum family family, size_t align) {
    return (struct block_info){.life = LIFE_LIVE,
                               .start = memory + 64,
                               .size = size,
                               .exact = true,
                               .family = family,
                               .align = align};
}

#define NOT_PASSED 12345 /* no size or alignment that a test passes */

static struct free_request request(enum family family, size_t size, size_t align) {
    return (struct free_request){.family = family,
                                 .has_size = size != NOT_PASSED,
                                 .has_align = align != NOT_PASSED,
                                 .size = size,
                                 .align = align};
}

static void check_free(struct block_info info, struct free_request release, const char *expected) {
    sized_free_check(&info, &release);
    check_reported(expected);
}

/* Combines each way to allocate with each way to free. */
static void families_must_belong_together(void) {
    static const char *const allocates[] = {"malloc", "new", "new[]"};
    static const char *const frees[] = {"free", "delete", "delete[]"};
    settings.check = CHECK_FULL;
    for (unsigned a = 0; a < 3; a++) {
        for (unsigned f = 0; f < 3; f++) {
            char expected[200] = "";
            if (a != f)
                snprintf(
                    expected, sizeof expected,
                    "mismatched free of %p (a block of 100 bytes, thread %d \"unit_sized_free\"), "
                    "allocated by %s, freed by %s%s",
                    (void *)(memory + 64), (int)getpid(), allocates[a], frees[f],
                    a == 0 || f == 0 ? " (no error if a library has" : "\n");
            check_free(block(100, (enum family)a, 1),
                       request((enum family)f, NOT_PASSED, NOT_PASSED), expected);
        }
    }
}

/* Families are not compared where the library cannot know them or does not keep them. */
static void unknown_families_are_not_compared(void) {
    settings.check = CHECK_FULL;
    settings.families_mixed = true;
    check_free(block(100, FAMILY_NEW, 1), request(FAMILY_MALLOC, NOT_PASSED, NOT_PASSED), "");
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, NOT_PASSED, NOT_PASSED), "");
    settings.families_mixed = false;
    settings.check = CHECK_HARD;
    check_free(block(100, FAMILY_NEW, 1), request(FAMILY_MALLOC, NOT_PASSED, NOT_PASSED), "");
    settings.check = CHECK_FREE;
    check_free(block(100, FAMILY_NEW_ARRAY, 1), request(FAMILY_NEW, NOT_PASSED, NOT_PASSED), "");
}

static void sizes_must_be_the_same(void) {
    for (int mode = CHECK_FREE; mode <= CHECK_FULL; mode++) {
        settings.check = (enum check_mode)mode;
        check_free(block(100, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, 100, NOT_PASSED), "");
        check_free(block(100, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, 99, NOT_PASSED),
                   "size mismatch of");
        check_free(block(100, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, 101, NOT_PASSED),
                   "size is 100, freed with 101");
        check_free(block(0, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, 0, NOT_PASSED), "");
        check_free(block(100, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, 0, NOT_PASSED),
                   "size is 100, freed with 0");
        check_free(block(100, FAMILY_MALLOC, 1), request(FAMILY_MALLOC, SIZE_MAX, NOT_PASSED),
                   "size is 100, freed with 18446744073709551615");
        struct block_info roughly = block(112, FAMILY_MALLOC, 1);
        roughly.exact = false;
        check_free(roughly, request(FAMILY_MALLOC, 100, NOT_PASSED), "");
    }
}

static void alignments_must_be_the_same(void) {
    settings.check = CHECK_FULL;
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, 100, 64), "");
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, 100, 32), "size mismatch of");
    check_free(block(100, FAMILY_NEW, 32), request(FAMILY_NEW, 100, 64),
               "alignment is 32, freed with 64");
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, 100, SIZE_MAX),
               "alignment is 64, freed with 18446744073709551615");
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, 100, 0),
               "alignment is 64, freed with 0");
}

/* The requested alignment is not recorded, so the block's address must have the alignment. */
static void unknown_alignments_must_fit_the_address(void) {
    settings.check = CHECK_HARD;
    check_free(block(100, FAMILY_MALLOC, 0), request(FAMILY_MALLOC, 100, 64), "");
    check_free(block(100, FAMILY_MALLOC, 0), request(FAMILY_MALLOC, 100, 16), "");
    check_free(block(100, FAMILY_MALLOC, 0), request(FAMILY_MALLOC, 100, 128),
               "alignment is 64, freed with 128");
    check_free(block(100, FAMILY_MALLOC, 0), request(FAMILY_MALLOC, 100, SIZE_MAX),
               "freed with 18446744073709551615");
    check_free(block(100, FAMILY_MALLOC, 0), request(FAMILY_MALLOC, 100, 0), "freed with 0");
}

static void delete_must_pass_the_alignment(void) {
    static const char lacks[] = "mismatched free of", detail[] = "freed without";
    settings.check = CHECK_FULL;
    check_free(block(100, FAMILY_NEW, 64), request(FAMILY_NEW, 100, NOT_PASSED), lacks);
    check_free(block(100, FAMILY_NEW_ARRAY, 32), request(FAMILY_NEW_ARRAY, NOT_PASSED, NOT_PASSED),
               detail);
    check_free(block(100, FAMILY_NEW, UNIT), request(FAMILY_NEW, 100, NOT_PASSED), "");
    check_free(block(100, FAMILY_NEW, 1), request(FAMILY_NEW, 100, NOT_PASSED), "");
    check_free(block(100, FAMILY_MALLOC, 64), request(FAMILY_MALLOC, NOT_PASSED, NOT_PASSED), "");
}

/* One free makes one report, about the most serious error. */
static void one_error_is_reported(void) {
    settings.check = CHECK_FULL;
    struct block_info info = block(100, FAMILY_NEW, 64);
    struct free_request release = request(FAMILY_MALLOC, 99, 32);
    sized_free_check(&info, &release);
    const char *text = reported();
    const char *first = strstr(text, "mallow:");
    CHECK(first != NULL && strstr(first + 1, "mallow:") == NULL);
    CHECK(strstr(text, "mismatched free") != NULL);
}

static struct body bodies[] = {
    BODY(families_must_belong_together),
    BODY(unknown_families_are_not_compared),
    BODY(sizes_must_be_the_same),
    BODY(alignments_must_be_the_same),
    BODY(unknown_alignments_must_fit_the_address),
    BODY(delete_must_pass_the_alignment),
    BODY(one_error_is_reported),
};

int main(void) { return run_bodies(bodies); }
