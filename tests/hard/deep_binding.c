/*
 * A library loaded with RTLD_DEEPBIND looks names up in libc before the program. It must still get
 * Mallow's allocation functions, but libc's version of all other names.
 *     deep_binding lazy|now|base|refused PLUGIN OWN_MALLOC
 * base: the library is loaded by dlmopen. refused: the kernel refuses to make libc's tables
 * writable.
 */
#define _GNU_SOURCE
#include "check.h"
#include "churn.h"
#include "seccomp.h"
#include "threads.h"

#include <errno.h>
#include <malloc.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* The program's own versions, which the plugin's calls must not reach. */
int same_name(void) { return 1; }
long random(void) { return -1; }

static struct {
    int (*same_name)(void);
    long (*random)(void);
    void *(*open_neighbour)(int);
    int (*ways)(void);
    void *(*allocate)(int, size_t);
    void (*release)(void *);
    void *(*resize)(void *, size_t);
    size_t (*usable_size)(void *);
} plugin;

#define FIND(library, member) (*(void **)&plugin.member = find(library, "deep_" #member))

static void *find(void *library, const char *name) {
    if (strcmp(name, "deep_release") == 0) name = "deep_free";
    void *address = dlsym(library, name);
    if (address == NULL) check_failed("%s\n", dlerror());
    return address;
}

static void *load(const char *how, const char *path) {
    int mode = RTLD_DEEPBIND | (strcmp(how, "lazy") == 0 ? RTLD_LAZY : RTLD_NOW);
    void *library = strcmp(how, "base") == 0 ? dlmopen(LM_ID_BASE, path, mode) : dlopen(path, mode);
    if (library == NULL) check_failed("%s\n", dlerror());
    return library;
}

static void find_all(void *library) {
    FIND(library, same_name);
    FIND(library, random);
    FIND(library, open_neighbour);
    FIND(library, ways);
    FIND(library, allocate);
    FIND(library, release);
    FIND(library, resize);
    FIND(library, usable_size);
}

/* ---- blocks that the program and the plugin exchange ---- */

static void hand_over(size_t size) {
    for (int way = 0; way < plugin.ways(); way++) {
        char *block = plugin.allocate(way, size);
        CHECK(block != NULL && malloc_usable_size(block) >= size);
        CHECK(malloc_usable_size(block) == plugin.usable_size(block));
        memset(block, 1, size);
        block = realloc(block, 2 * size);
        CHECK(block != NULL && block[0] == 1 && block[size - 1] == 1);
        block = plugin.resize(block, 3 * size);
        CHECK(block != NULL && block[0] == 1 && block[size - 1] == 1);
        free(block);
    }
    plugin.release(malloc(size));
    plugin.release(calloc(size, 1));
    plugin.release(aligned_alloc(4096, size));
    plugin.release(strdup("text"));
    free(plugin.allocate(0, size));
}

/* ---- blocks of libc's own heap, allocated before its names lead to Mallow ---- */

enum { OLD = 22 };
static char *old_blocks[OLD];
static void (*free_of_libc)(void *);

static void allocate_from_libc(void) {
    void *libc = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    CHECK(libc != NULL);
    void *(*malloc_of_libc)(size_t) = (void *(*)(size_t))dlsym(libc, "malloc");
    free_of_libc = (void (*)(void *))dlsym(libc, "free");
    if (running_on_mallow())
        CHECK(malloc_of_libc != (void *(*)(size_t))dlsym(RTLD_DEFAULT, "malloc"));
    for (int i = 0; i < OLD; i++)
        old_blocks[i] = memset(malloc_of_libc((size_t)1 << i), 1, (size_t)1 << i);
}

static void free_old_blocks(void) {
    struct churn churn = {.random = 1};
    for (int i = 0; i < OLD; i++) {
        char *block = old_blocks[i];
        size_t size = (size_t)1 << i;
        CHECK(malloc_usable_size(block) >= size);
        churn_steps(&churn, 100);
        if (i % 3 == 0) {
            free_of_libc(block);
            continue;
        }
        if (i % 3 == 1) block = realloc(block, 2 * size);
        CHECK(block != NULL && block[0] == 1 && block[size - 1] == 1);
        free(block);
    }
    churn_finish(&churn);
}

/* ---- a kernel that refuses mprotect ---- */

/* The loader's own calls still succeed: they make memory read-only. */
static void refuse_to_make_writable(void) {
    struct sock_filter filter[] = {
        FILTER_LOAD(nr),
        FILTER_SKIP_UNLESS(SYS_mprotect, 3),
        FILTER_LOAD(args[2]),
        FILTER_SKIP_UNLESS(PROT_READ | PROT_WRITE, 1),
        FILTER_RETURN(SECCOMP_RET_ERRNO | EACCES),
        FILTER_RETURN(SECCOMP_RET_ALLOW),
    };
    if (!install_filter(filter, sizeof filter / sizeof *filter)) skip("no filters of system calls");
}

/* ---- threads that load the library at the same time ---- */

enum { THREADS = 4 };
static pthread_barrier_t together;
static const char *const *arguments;

static void *load_and_use(void *unused) {
    pthread_barrier_wait(&together);
    void *library = load(arguments[1], arguments[2]);
    void *(*allocate)(int, size_t) = (void *(*)(int, size_t))dlsym(library, "deep_allocate");
    for (size_t size = 1; size < 100000; size *= 3) free(allocate(0, size));
    return unused;
}

static void load_in_all_threads(void) {
    pthread_t threads[THREADS];
    CHECK_EQUAL(pthread_barrier_init(&together, NULL, THREADS), 0);
    for (int i = 0; i < THREADS; i++) threads[i] = start_thread(load_and_use, NULL);
    for (int i = 0; i < THREADS; i++) join_thread(threads[i]);
}

static void check_error(void) {
    CHECK(dlopen("/no/such/library", RTLD_NOW | RTLD_DEEPBIND) == NULL);
    const char *error = dlerror();
    CHECK(error != NULL && strstr(error, "/no/such/library") != NULL);
    CHECK(dlerror() == NULL);
}

int main(int argc, char **argv) {
    CHECK_EQUAL(argc, 4);
    arguments = (const char *const *)argv;
    bool refused = strcmp(argv[1], "refused") == 0;
    allocate_from_libc();
    if (refused)
        refuse_to_make_writable(); /* Stacks of threads need it too, so no thread can start. */
    else
        load_in_all_threads();
    find_all(load(argv[1], argv[2]));
    for (size_t size = 1; size < 3000000; size = size * 5 / 2 + 1) hand_over(size);
    free_old_blocks();
    CHECK_EQUAL(plugin.same_name(), refused && running_on_mallow() ? 1 : 2);
    CHECK((plugin.random() == -1) == (refused && running_on_mallow()));
    check_error();
    CHECK(plugin.open_neighbour(RTLD_NOW) != NULL);
    CHECK(plugin.open_neighbour(RTLD_LAZY | RTLD_DEEPBIND) != NULL);
    int (*own_malloc_is_used)(void) =
        (int (*)(void))dlsym(load(argv[1], argv[3]), "own_malloc_is_used");
    CHECK(refused || own_malloc_is_used() == 1);
}
