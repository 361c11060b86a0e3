#include "trace/trace_area.h"

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "mallow/trace.h"
#include "trace/trace_clock.h"

_Static_assert(sizeof(pthread_mutex_t) <= sizeof(((struct trace_head *)0)->lock),
               "the lock is a mutex");

/* ---- clocks ---- */

static bool trace_area_has_counter(void) {
    char name[32] = "";
    int fd = open(TRACE_CLOCK_FILE, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? 0 : read(fd, name, sizeof name - 1);
    if (fd >= 0) close(fd);
    return n > 0 && strcmp(name, TRACE_CLOCK_NAME "\n") == 0;
}

static uint64_t trace_area_now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t trace_area_tick(struct trace_area *area) {
    uint64_t ns = trace_area_now_ns();
    uint64_t tick = area->head->ticks == TRACE_COUNTER ? trace_counter() : ns;
    if (tick > area->tick && ns > area->ns && area->tick != 0)
        area->ns_per_tick = (double)(ns - area->ns) / (double)(tick - area->tick);
    area->tick = tick;
    area->ns = ns;
    return tick;
}

/* A record has the lower bits of its time. It is older than the last comparison of the clocks, or
 * only a little younger. */
static int64_t trace_area_age(const struct trace_area *area, uint64_t record_head) {
    uint64_t now = area->tick << TRACE_TIME_SHIFT;
    return (int64_t)(now - (record_head & ~(uint64_t)0xffff)) >> TRACE_TIME_SHIFT;
}

uint64_t trace_area_record_tick(const struct trace_area *area, uint64_t record_head) {
    return area->tick - (uint64_t)trace_area_age(area, record_head);
}

uint64_t trace_area_ns(const struct trace_area *area, uint64_t record_head) {
    double age = (double)trace_area_age(area, record_head) * area->ns_per_tick;
    return area->ns - (uint64_t)(int64_t)age;
}

static void trace_area_compare_clocks(struct trace_area *area) {
    static const struct timespec pause = {.tv_nsec = 2000000};
    area->ns_per_tick = 1;
    trace_area_tick(area);
    nanosleep(&pause, NULL);
    trace_area_tick(area);
}

/* ---- the memory ---- */

static struct trace_area *trace_area_map(int fd) {
    struct trace_area *area = xcalloc(1, sizeof *area);
    struct stat status;
    size_t bytes = TRACE_AREA_BYTES(TRACE_RINGS);
    if (fstat(fd, &status) != 0 || (size_t)status.st_size < bytes)
        errx(EXIT_OWN_FAILURE, "the memory of the trace is too small");
    area->fd = fd;
    area->head = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (area->head == MAP_FAILED) err(EXIT_OWN_FAILURE, "cannot map the memory of the trace");
    return area;
}

struct trace_area *trace_area_create(uint32_t frames, enum trace_full full) {
    int fd = memfd_create("mallow-trace", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || ftruncate(fd, (off_t)TRACE_AREA_BYTES(TRACE_RINGS)) != 0)
        err(EXIT_OWN_FAILURE, "cannot create a file in memory");
    /* No process can truncate the file while it is mapped. */
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
    struct trace_area *area = trace_area_map(fd);
    area->head->ticks = trace_area_has_counter() ? TRACE_COUNTER : TRACE_NANOSECONDS;
    area->head->frames = frames;
    area->head->full = full;
    area->head->rings = TRACE_RINGS;
    area->head->version = TRACE_VERSION;
    area->head->magic = TRACE_MAGIC;
    trace_area_compare_clocks(area);
    return area;
}

struct trace_area *trace_area_attach(int fd) {
    struct trace_area *area = trace_area_map(fd);
    if (area->head->magic != TRACE_MAGIC || area->head->version != TRACE_VERSION ||
        area->head->rings != TRACE_RINGS)
        errx(EXIT_OWN_FAILURE, "the process has another version of Mallow");
    trace_area_compare_clocks(area);
    return area;
}

/* ---- reading ---- */

/* The mutex that a command left behind when it was killed is made anew. */
void trace_area_begin(struct trace_area *area) {
    pthread_mutexattr_t attributes;
    pthread_mutex_t *lock = (pthread_mutex_t *)(void *)area->head->lock;
    memset((void *)area->head->lock, 0, sizeof area->head->lock);
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutex_init(lock, &attributes);
    pthread_mutexattr_destroy(&attributes);
    pthread_mutex_lock(lock);
    atomic_store(&area->head->reader, TRACE_READER_READS);
}

void trace_area_end(struct trace_area *area) {
    atomic_store(&area->head->reader, TRACE_READER_NONE);
    for (uint32_t i = 0; i < TRACE_RINGS; i++) trace_area_wake(trace_ring_at(area->head, i));
}

/* ---- sleeping ---- */

void trace_area_wake(struct trace_ring *ring) {
    if (atomic_load(&ring->waits) == 0 || atomic_exchange(&ring->waits, 0) == 0) return;
    syscall(SYS_futex, &ring->waits, FUTEX_WAKE, 1, NULL, NULL, 0);
}

void trace_area_sleep(struct trace_area *area, long ns) {
    struct timespec limit = {ns / 1000000000, ns % 1000000000};
    atomic_store(&area->head->sleeps, 1);
    syscall(SYS_futex, &area->head->sleeps, FUTEX_WAIT, 1, &limit, NULL, 0);
    atomic_store(&area->head->sleeps, 0);
}
