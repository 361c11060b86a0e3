/*
 * Many threads use guarded blocks: they hand them over, look them up and check them while others
 * allocate and free, and two threads free the same block. Exactly one of two frees of a block
 * succeeds.
 *     stress_guard THREADS STEPS
 */
#include "guard/guard.h"
#include "guard/guard_damage.h"
#include "guard/guard_info.h"
#include "base/settings.h"
#include "check.h"
#include "guard_begin.h"
#include "os/os.h"
#include "random.h"
#include "report/log.h"
#include "threads.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <string.h>

enum { MAILBOXES = 16, OWN = 20, THREADS_MAX = 32 };

static _Atomic(char *) mailboxes[MAILBOXES];
static _Atomic size_t taken, freed, refused, twice;
static long steps;

static char *take(uint64_t *random) {
    size_t size = 16 + random_below(random, 3000);
    char *block = guard_alloc(size, (size_t)16 << random_below(random, 10), FAMILY_MALLOC, 0);
    if (block == NULL) return NULL;
    for (size_t i = 0; i < size; i++) CHECK_EQUAL(block[i], 0);
    memset(block, 1, size);
    memcpy(block, &size, sizeof size);
    taken++;
    return block;
}

static void give(char *block) {
    enum guard_result result = guard_free(block, 0);
    CHECK(result != GUARD_NOT);
    *(result == GUARD_FREED ? &freed : &refused) += 1;
}

static void verify(char *block) {
    size_t size;
    struct block_info info;
    memcpy(&size, block, sizeof size);
    CHECK_EQUAL(guard_info_usable(block), size);
    CHECK(guard_info(block + size / 2, &info) && info.start == block && info.life == LIFE_LIVE);
    for (size_t i = sizeof size; i < size; i++) CHECK_EQUAL(block[i], 1);
}

static bool look(const struct block_info *info, void *context) {
    (void)context;
    return info->life == LIFE_LIVE;
}

/* Another thread may take the block out of the mailbox and free it at the same time. */
static void give_twice(uint64_t *random) {
    char *block = take(random);
    if (block == NULL) return;
    twice++;
    char *before = atomic_exchange(&mailboxes[random_below(random, MAILBOXES)], block);
    give(block);
    if (before != NULL) give(before);
}

static void step(uint64_t *random, char **own) {
    switch (random_below(random, 300)) {
    case 0:
        CHECK_EQUAL(guard_damage_check_all(), 0);
        break;
    case 1:
        CHECK(guard_info_each(look, NULL));
        break;
    case 2 ... 20:
        give_twice(random);
        break;
    default:
        if (*own != NULL) {
            verify(*own);
            give(*own);
        }
        *own = take(random);
    }
}

static void *work(void *seed) {
    uint64_t random = (uintptr_t)seed;
    char *own[OWN] = {NULL};
    for (long i = 0; i < steps; i++) step(&random, &own[random_below(&random, OWN)]);
    for (int i = 0; i < OWN; i++)
        if (own[i] != NULL) give(own[i]);
    return NULL;
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 3);
    int count = atoi(argv[1]);
    pthread_t threads[THREADS_MAX];
    steps = atol(argv[2]);
    log_use(open("/dev/null", O_WRONLY));
    settings.check_action = CHECK_REPORT;
    CHECK(count <= THREADS_MAX && guard_begin(10000 * os_page_size()));
    for (int i = 0; i < count; i++) threads[i] = start_thread(work, (void *)(uintptr_t)(i + 1));
    for (int i = 0; i < count; i++) join_thread(threads[i]);
    for (int i = 0; i < MAILBOXES; i++)
        if (mailboxes[i] != NULL) give(mailboxes[i]);
    CHECK_EQUAL(freed, taken);
    CHECK_EQUAL(refused, twice);
    CHECK(taken > (size_t)steps);
}
