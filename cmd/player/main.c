/* mallow-replay: replays a trace on the allocator of this process. `mallow replay` runs it, with
 * the descriptor of the file that replay_layout.h describes. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "player/player.h"

#define STACK_BYTES ((size_t)512 * 1024)

struct player player;

/* ---- threads ---- */

/* Stacks are in shared memory, which does not count. */
static struct player_worker {
    pthread_t id;
    void *stack;
    struct replay_thread *thread; /* NULL: it has been joined, and the stack is free */
} *player_workers;
static uint32_t player_worker_count, player_next_thread = 1;

static void *player_map(size_t bytes) {
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (start == MAP_FAILED) player_fail("cannot map memory");
    return start;
}

static void *player_thread_main(void *worker) {
    player_run(((struct player_worker *)worker)->thread, NULL);
    return NULL;
}

static struct player_worker *player_free_worker(void) {
    for (uint32_t i = 0; i < player_worker_count; i++)
        if (player_workers[i].thread == NULL) return &player_workers[i];
    struct player_worker *worker = &player_workers[player_worker_count++];
    worker->stack = player_map(STACK_BYTES);
    return worker;
}

static void player_create(struct replay_thread *thread) {
    struct player_worker *worker = player_free_worker();
    pthread_attr_t attributes;
    pthread_attr_init(&attributes);
    pthread_attr_setstack(&attributes, worker->stack, STACK_BYTES);
    worker->thread = thread;
    if (pthread_create(&worker->id, &attributes, player_thread_main, worker) != 0)
        player_fail("cannot create a thread: raise the limit on processes (ulimit -u)");
}

/* Threads are sorted by their first epoch. */
static void player_create_until(uint32_t epoch) {
    while (player_next_thread < player.head->threads &&
           player.threads[player_next_thread].first_epoch <= epoch)
        player_create(&player.threads[player_next_thread++]);
}

static void player_join(uint32_t epoch) {
    for (uint32_t i = 0; i < player_worker_count; i++) {
        struct player_worker *worker = &player_workers[i];
        if (worker->thread == NULL || worker->thread->last_epoch > epoch) continue;
        pthread_join(worker->id, NULL);
        worker->thread = NULL;
    }
}

/* ---- epochs ---- */

static void player_sleep_until(uint64_t ns) {
    struct timespec until = {.tv_sec = (time_t)(ns / 1000000000),
                             .tv_nsec = (long)(ns % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) continue;
}

static void player_begin_epoch(uint32_t epoch) {
    player_create_until(epoch);
    atomic_store_explicit(&player.head->epoch, epoch + 1, memory_order_release);
    if (player_worker_count != 0) player_wake(&player.head->epoch);
}

static void player_end_epoch(uint32_t number) {
    struct replay_head *head = player.head;
    struct replay_epoch *epoch = &player.epochs[number];
    player_wait_until(&epoch->unfinished, 0);
    if (epoch->number != 0) player_join(number);
    if (head->pace == REPLAY_RECORDED) player_sleep_until(head->clock_ns + epoch->time);
    epoch->resident = player_resident();
    if (epoch->resident > head->resident_peak) head->resident_peak = epoch->resident;
    player_begin_epoch(number + 1);
}

/* ---- the process ---- */

/* Stores the file that defines malloc, so that the command knows whether the allocator was loaded.
 */
static void player_store_provider(void) {
    Dl_info info;
    void *(*volatile function)(size_t) = malloc;
    if (dladdr((void *)function, &info) != 0 && info.dli_fname != NULL)
        strncpy(player.head->provider, info.dli_fname, sizeof player.head->provider - 1);
}

static void player_open(int file) {
    struct stat status;
    if (fstat(file, &status) != 0) player_fail("there is no such descriptor; run 'mallow replay'");
    /* Pages that are mapped beforehand cause no faults during the replay. */
    char *start = mmap(NULL, (size_t)status.st_size, PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_POPULATE, file, 0);
    if (start == MAP_FAILED || (size_t)status.st_size < sizeof *player.head)
        player_fail("cannot map the operations");
    player.head = (struct replay_head *)start;
    if (player.head->bytes != (uint64_t)status.st_size)
        player_fail("the operations are incomplete");
    player.threads = (struct replay_thread *)(start + player.head->threads_at);
    player.epochs = (struct replay_epoch *)(start + player.head->epochs_at);
    player.slots = (void **)(start + player.head->slots_at);
    player.chunks = (const uint64_t *)(start + player.head->chunks_at);
    player_workers = player_map((player.head->threads + (size_t)1) * sizeof *player_workers);
}

int main(int argc, char **argv) {
    if (argc != 2) player_fail("this program is run by 'mallow replay'");
    player_open(atoi(argv[1]));
    player_store_provider();
    player_start_clock();
    if (player.head->epochs != 0) {
        player_begin_epoch(0);
        player_run(player.threads, player_end_epoch);
    }
    player_stop_clock();
    player.head->is_complete = 1;
    _exit(0);
}
