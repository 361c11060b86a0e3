/* Memory that threads allocate and free at their very end, in destructors of keys, is not lost. */
#include "check.h"
#include "resident.h"
#include "threads.h"

#include <limits.h>
#include <string.h>

enum { THREADS = 3000, SIZES = 40, WARM_UP = 500 };

static pthread_key_t key;

/* POSIX repeats the destructors in rounds. Each round frees the block of the round before and
 * leaves one for the next. */
static void allocate_late(void *value) {
    void *blocks[SIZES];
    free(value);
    for (size_t i = 0; i < SIZES; i++) {
        blocks[i] = malloc(100 * i);
        if (i > 0) memset(blocks[i], 1, 100 * i);
    }
    for (int i = 0; i < SIZES; i++) free(blocks[i]);
    pthread_setspecific(key, malloc(1000));
}

static void *thread(void *unused) {
    (void)unused;
    pthread_setspecific(key, malloc(1000));
    return NULL;
}

/* The program leaks the block that the last round sets; the library does not. */
int main(void) {
    const size_t leaked = 1024;
    size_t before = 0;
    CHECK_EQUAL(pthread_key_create(&key, allocate_late), 0);
    for (int i = 0; i < THREADS; i++) {
        if (i == WARM_UP) before = resident_bytes();
        run_in_thread(thread, NULL);
    }
    CHECK(resident_bytes() < before + (THREADS - WARM_UP) * leaked * 5 / 4 + (1 << 20));
}
