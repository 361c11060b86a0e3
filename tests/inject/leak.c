/*
 * If a system call of a leak check fails, the check reports its failure, and the process and its
 * threads continue.
 *     inject_leak CALL TIMES      the first TIMES calls fail
 *     inject_leak CALL always
 * CALL is a function of os.h or os_process.h, or "killed".
 */
#include "leak/leak.h"
#include "check.h"
#include "mallow.h"
#include "os/helper_thread.h"
#include "os/os.h"
#include "os/os_process.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

static const char *failing = "";
static _Atomic int left;

static bool fails(const char *call) {
    return strcmp(failing, call) == 0 && atomic_fetch_sub(&left, 1) > 0;
}

#define WRAP(type, call, failure, parameters, arguments)              \
    type __real_os_##call parameters;                                 \
    type __wrap_os_##call parameters;                                 \
    type __wrap_os_##call parameters {                                \
        return fails(#call) ? (failure) : __real_os_##call arguments; \
    }

/* With "killed", the copy is killed before it can report anything. */
int __real_os_copy_process(void);
int __wrap_os_copy_process(void);
int __wrap_os_copy_process(void) {
    if (fails("copy_process")) return -1;
    int copy = __real_os_copy_process();
    if (copy == 0 && strcmp(failing, "killed") == 0) kill(getpid(), SIGKILL);
    return copy;
}

WRAP(bool, each_thread, false, (void (*call)(void *, int), void *to), (call, to))
WRAP(bool, signal_thread, false, (int thread, int signal), (thread, signal))
WRAP(bool, take_signal, false, (int signal, os_signal_handler handler), (signal, handler))
WRAP(int, open_read, -1, (const char *path), (path))
WRAP(bool, read_at, false, (int fd, void *buffer, size_t bytes, uint64_t offset),
     (fd, buffer, bytes, offset))
WRAP(void *, map, NULL, (size_t bytes), (bytes))
WRAP(long, read_file, -1, (const char *path, char *buffer, size_t bytes), (path, buffer, bytes))

/* ---- threads that must continue ---- */

enum { THREADS = 3 };
static _Atomic int work_done[THREADS], stopping;

static void *work(void *number) {
    while (!stopping) {
        mallow_free(mallow_malloc(100));
        work_done[(size_t)number]++;
    }
    return NULL;
}

static void wait_for_progress(void) {
    for (int i = 0; i < THREADS; i++)
        for (int before = work_done[i]; work_done[i] == before;) usleep(100);
}

/* ---- the checks ---- */

/* Shared between the process and its copy. */
static struct answer {
    int begun, failed;
    char why[200];
} * answer;

static void begin(void *to) { ((struct answer *)to)->begun++; }
static void fail(void *to, const char *why) {
    ((struct answer *)to)->failed++;
    strncpy(((struct answer *)to)->why, why, sizeof answer->why - 1);
}

static char report[1 << 16];
static size_t report_length;
static void add_to_report(void *to, const char *bytes, size_t count) {
    (void)to;
    memcpy(report + report_length, bytes, count);
    report_length += count;
}

static enum leak_verdict check_leaks(void) {
    char buffer[512];
    struct text text = {.buffer = buffer, .size = sizeof buffer, .sink = add_to_report};
    struct leak_request request = {.text = &text, .begin = begin, .fail = fail, .to = answer};
    memset(answer, 0, sizeof *answer);
    report_length = 0;
    enum leak_verdict verdict = leak_check(&request);
    text_flush(&text);
    CHECK_EQUAL(answer->begun + answer->failed, 1);
    CHECK_EQUAL(answer->failed, verdict == LEAK_FAILED);
    CHECK(verdict != LEAK_FAILED || strlen(answer->why) > 10);
    wait_for_progress();
    return verdict;
}

/* A thread that cannot be stopped is only reported. If the state of pages is unknown, all of them
 * are searched. */
static bool can_do_without(const char *call) {
    return strcmp(call, "signal_thread") == 0 || strcmp(call, "open_read") == 0 ||
           strcmp(call, "read_at") == 0;
}

static void check_missed(void) {
    report[report_length] = '\0';
    if (strcmp(failing, "signal_thread") == 0)
        CHECK(strstr(report, "could not be stopped") != NULL);
}

/* Runs in a thread that ends, so that no searched stack has a pointer to the block. */
static void *lose(void *unused) {
    memset(mallow_malloc(5000), 1, 5000); /* a size that the other threads do not use */
    return unused;
}

int main(int argc, char **argv) {
    pthread_t threads[THREADS], losing;
    CHECK_EQUAL(argc, 3);
    bool always = strcmp(argv[2], "always") == 0;
    answer = mmap(NULL, sizeof *answer, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(answer != MAP_FAILED);
    for (size_t i = 0; i < THREADS; i++) pthread_create(&threads[i], NULL, work, (void *)i);
    wait_for_progress();
    pthread_create(&losing, NULL, lose, NULL);
    pthread_join(losing, NULL);
    left = always ? INT_MAX : atoi(argv[2]);
    failing = argv[1];
    CHECK_EQUAL(check_leaks(), can_do_without(failing) ? LEAK_LOST : LEAK_FAILED);
    check_missed();
    failing = "";
    CHECK_EQUAL(check_leaks(), LEAK_LOST);
    stopping = 1;
    for (int i = 0; i < THREADS; i++) pthread_join(threads[i], NULL);
}
