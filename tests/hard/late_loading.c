/*
 * A running program can load the library by dlopen. The program still uses the system's malloc, and
 * one of its threads is older than the library.
 *     late_loading LIBRARY
 */
#include "check.h"
#include "pattern.h"
#include "threads.h"

static pthread_barrier_t loaded;
static void *(*allocate)(size_t);
static void (*release)(void *);

static void *use_library(void *unused) {
    (void)unused;
    for (size_t size = 1; size < 3000000; size += size / 2 + 1) {
        void *block = allocate(size);
        CHECK(block != NULL);
        pattern_fill(block, size, pattern_key(block, size, 0));
        void *own = malloc(size);
        CHECK(pattern_holds(block, size, pattern_key(block, size, 0)));
        free(own);
        release(block);
    }
    return NULL;
}

static void *use_library_once_loaded(void *unused) {
    pthread_barrier_wait(&loaded);
    return use_library(unused);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 2);
    CHECK_EQUAL(pthread_barrier_init(&loaded, NULL, 2), 0);
    pthread_t older = start_thread(use_library_once_loaded, NULL);
    void *library = dlopen(argv[1], RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) check_failed("%s\n", dlerror());
    allocate = (void *(*)(size_t))dlsym(library, "mallow_malloc");
    release = (void (*)(void *))dlsym(library, "mallow_free");
    CHECK(allocate != NULL && release != NULL);
    pthread_barrier_wait(&loaded);
    use_library(NULL);
    join_thread(older);
    run_in_thread(use_library, NULL);
    CHECK_EQUAL(dlclose(library), 0);
}
