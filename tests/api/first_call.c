/* Neither the library's start nor the first call in a process or a thread shows in errno. */
#include "check.h"

#include <errno.h>
#include <pthread.h>

static void *first_in_thread(void *unused) {
    (void)unused;
    CHECK_EQUAL(errno, 0);
    errno = 4711;
    free(malloc(100));
    CHECK_EQUAL(errno, 4711);
    return NULL;
}

int main(void) {
    pthread_t thread;
    first_in_thread(NULL);
    CHECK_EQUAL(pthread_create(&thread, NULL, first_in_thread, NULL), 0);
    CHECK_EQUAL(pthread_join(thread, NULL), 0);
}
