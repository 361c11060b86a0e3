/* Shows the kinds of static storage. It exists from the start to the end of the program, can
 * neither fail nor grow, and costs no call. Zeroed storage takes no room in the executable and no
 * memory until it is used. Thread-local storage exists once for each thread.
 *
 *     $ static_storage
 *     main: 1
 *     main: 2
 *     another thread: 1
 *     the table of 16 MiB makes the executable larger: no
 *     the table is in memory: no
 *     the table is in memory after each page is written: yes
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TABLE = 16 << 20 };
static const char *const answers[] = {"no", "yes"}; /* read-only: shared with the file */
static int first = 1;                               /* initialized: private once it is written */
static _Alignas(65536) char table[TABLE];           /* zeroed: no room in the file */
static _Thread_local int calls;                     /* one for each thread */

static int next(void) { return first + calls++; }

static void *run_thread(void *unused) {
    printf("another thread: %d\n", next());
    return unused;
}

/* Returns true if at least half of the table's pages have memory. */
static bool table_is_resident(size_t page) {
    static unsigned char resident[TABLE / 4096];
    size_t pages = 0;
    if (mincore(table, TABLE, resident) != 0) exit(1);
    for (size_t i = 0; i < TABLE / page; i++) pages += resident[i] & 1;
    return pages >= TABLE / page / 2;
}

int main(void) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    printf("main: %d\n", next());
    printf("main: %d\n", next());
    fflush(stdout);
    pthread_t thread;
    if (pthread_create(&thread, NULL, run_thread, NULL) != 0) return 1;
    pthread_join(thread, NULL);

    struct stat file;
    if (stat("/proc/self/exe", &file) != 0) return 1;
    printf("the table of 16 MiB makes the executable larger: %s\n", answers[file.st_size > TABLE]);
    printf("the table is in memory: %s\n", answers[table_is_resident(page)]);
    for (size_t at = 0; at < TABLE; at += page) table[at] = 1;
    printf("the table is in memory after each page is written: %s\n",
           answers[table_is_resident(page)]);
}
