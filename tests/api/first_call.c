/* Starting the library and the first call in a process or a thread leave errno unchanged. */
#include "check.h"
#include "threads.h"

#include <errno.h>

static void *first_in_thread(void *unused) {
    (void)unused;
    CHECK_EQUAL(errno, 0);
    errno = 4711;
    free(malloc(100));
    CHECK_EQUAL(errno, 4711);
    return NULL;
}

int main(void) {
    first_in_thread(NULL);
    run_in_thread(first_in_thread, NULL);
}
