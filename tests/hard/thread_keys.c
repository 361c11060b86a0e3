/* The library uses no thread-specific key: the program can create all PTHREAD_KEYS_MAX of them. */
#include "check.h"
#include "threads.h"

#include <limits.h>

static void *allocate(void *unused) {
    free(malloc(100));
    return unused;
}

int main(void) {
    static pthread_key_t keys[PTHREAD_KEYS_MAX];
    free(malloc(100));
    run_in_thread(allocate, NULL);
    for (int i = 0; i < PTHREAD_KEYS_MAX; i++) CHECK_EQUAL(pthread_key_create(&keys[i], free), 0);
    run_in_thread(allocate, NULL);
}
