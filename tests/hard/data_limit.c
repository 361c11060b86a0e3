/*
 * The heap can use nearly all of a limit on writable memory (RLIMIT_DATA) or address space
 * (RLIMIT_AS), and an allocation that is refused at the limit leaves no memory charged.
 *     data_limit data|address
 */
#include "check.h"
#include "resident.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>

enum { KIBIBYTE = 1 << 10, LIMIT = 512 * KIBIBYTE, OWN = 1400, REFUSALS = 100 }; /* in KiB */

static int resource = RLIMIT_DATA;

/* Returns the memory that counts against the limit. Address space includes libraries and stacks. */
static size_t charged_kib(void) {
    static char text[4096];
    int file = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    CHECK(file >= 0 && read(file, text, sizeof(text) - 1) > 0);
    close(file);
    const char *name = resource == RLIMIT_DATA ? "VmData:" : "VmSize:";
    return strtoul(strstr(text, name) + strlen(name), NULL, 10);
}

static void limit(size_t kib) {
    struct rlimit limit = {kib * KIBIBYTE, RLIM_INFINITY};
    CHECK_EQUAL(setrlimit(resource, &limit), 0);
}

/* Returns true in the checking modes, which need part of the memory for themselves. */
static int is_checking(void) {
    const char *options = getenv("MALLOW_OPTIONS");
    return options != NULL && (strstr(options, "check=") || strstr(options, "guard="));
}

static int is_granted(size_t kib) {
    errno = 0;
    void *block = malloc(kib * KIBIBYTE);
    CHECK(block != NULL || errno == ENOMEM);
    free(block);
    return block != NULL;
}

static size_t largest_block(void) {
    size_t granted = 0, refused = LIMIT;
    while (refused - granted > 1) {
        size_t between = (granted + refused) / 2;
        *(is_granted(between) ? &granted : &refused) = between;
    }
    return granted;
}

static void every_small_size_is_granted(void) {
    for (size_t size = 16; size <= 256 * KIBIBYTE; size *= 2) {
        void *block = malloc(size);
        if (block == NULL) check_failed("%zu bytes were refused\n", size);
        free(block);
    }
}

/* Measured after a first refusal, because that one may return cached memory. */
static void refusals_leave_nothing(void) {
    void *volatile run = malloc(100 * KIBIBYTE);
    CHECK(!is_granted(LIMIT));
    size_t charged = charged_kib(), resident = resident_bytes();
    for (int i = 0; i < REFUSALS; i++) {
        CHECK(!is_granted(LIMIT + (size_t)i));
        CHECK(realloc(run, (size_t)LIMIT * KIBIBYTE) == NULL);
        CHECK(calloc(LIMIT, KIBIBYTE) == NULL);
    }
    CHECK(charged_kib() <= charged + (is_checking() ? 2048 : 64));
    size_t margin = is_checking() ? 2048 : 256;
    CHECK(resident_bytes() <= resident + margin * KIBIBYTE);
    free(run);
}

/* Allocates blocks of SIZE until no memory is left, then frees them. Returns their total in KiB. */
static size_t fill_and_empty(size_t size) {
    size_t count = 0;
    void **list = NULL, **block;
    for (; (block = malloc(size)) != NULL; count++) {
        *block = (void *)list;
        list = block;
    }
    CHECK_EQUAL(errno, ENOMEM);
    for (; list != NULL; list = block) {
        block = (void **)*list;
        free((void *)list);
    }
    return count * size / KIBIBYTE;
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    if (strcmp(argv[1], "address") == 0) resource = RLIMIT_AS;
    size_t others = resource == RLIMIT_AS ? charged_kib() : 0;
    limit(LIMIT);
    size_t largest = largest_block(), left = LIMIT - others;
    dprintf(STDOUT_FILENO, "%zu of %zu KiB in one block\n", largest, left);
    CHECK(largest >= (is_checking() ? left / 8 * 7 : left - OWN));
    every_small_size_is_granted();
    refusals_leave_nothing();
    every_small_size_is_granted();
    CHECK(is_granted(is_checking() ? largest / 2 : largest - OWN));
    limit(2 * LIMIT);
    CHECK(is_granted(LIMIT));
    /* In the checking modes, memory of one size class may never serve another one. */
    if (is_checking()) return 0;
    limit(LIMIT / 8);
    size_t filled = fill_and_empty(3000), part = (LIMIT / 8 - others) / 2;
    dprintf(STDOUT_FILENO, "%zu of %d KiB in blocks of 3000 bytes\n", filled, LIMIT / 8);
    CHECK(filled >= part);
    every_small_size_is_granted();
    CHECK(is_granted(part));
}
