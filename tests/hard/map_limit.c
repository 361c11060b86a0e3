/*
 * The process has as many mappings as the kernel allows, so that none can be split. free keeps
 * errno even so, and the heap gets along.
 */
#include "check.h"
#include "churn.h"

#include <errno.h>
#include <sys/mman.h>

enum { HIGHEST_COUNT = 200000, LARGE = 64 << 20 };

/* Neighbours differ in protection, so that the kernel cannot join them. Returns false if there may
   be more mappings than is reasonable to make here. */
static int use_up_mappings(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    for (int i = 0; i < HIGHEST_COUNT; i++) {
        int protection = i % 2 == 0 ? PROT_NONE : PROT_READ;
        if (mmap(NULL, page, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED)
            return 1;
    }
    return 0;
}

int main(void) {
    static struct churn churn = {.random = 1};
    void *blocks[3];
    for (int i = 0; i < 3; i++) {
        blocks[i] = malloc(LARGE);
        CHECK(blocks[i] != NULL);
    }
    churn_steps(&churn, 10000);
    if (!use_up_mappings()) skip("vm.max_map_count is too high");
    errno = 4711;
    free(blocks[1]);
    CHECK_EQUAL(errno, 4711);
    churn_steps(&churn, 10000);
    churn_finish(&churn);
    free(blocks[0]);
    free(blocks[2]);
}
