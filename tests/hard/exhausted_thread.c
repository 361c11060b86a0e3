/* A thread that has used up all memory can end, and its blocks can be freed and reused. */
#include "check.h"
#include "limit.h"
#include "threads.h"

enum { ROUNDS = 5, LIMIT = 128 << 20 };

static const size_t sizes[] = {1 << 20, 5000, 100, 16};
enum { SIZES = sizeof(sizes) / sizeof(sizes[0]) };

static struct list *left;

/* The key's value is freed at the thread's end, when no memory is left. */
static pthread_key_t key;

static void *exhaust(void *unused) {
    pthread_setspecific(key, malloc(100));
    for (int i = 0; i < SIZES; i++) allocate_until_exhausted(&left, sizes[i]);
    return unused;
}

int main(void) {
    limit_address_space(LIMIT);
    CHECK_EQUAL(pthread_key_create(&key, free), 0);
    for (int i = 0; i < ROUNDS; i++) {
        run_in_thread(exhaust, NULL);
        free_list(&left);
        void *block = malloc(LIMIT / 4);
        CHECK(block != NULL);
        free(block);
    }
}
