/*
 * Processes that use a shared heap are killed with SIGKILL at random moments: no corruption, no
 * lost block except the one that a victim was handling, no deadlock.
 *
 *     kills [OPERATIONS [KILLS [SEED]]]
 *
 * The defaults fit into a test. The full test is `kills 10000000 500`. Prints a summary and the
 * seed. The seed repeats the decisions of each process, but not the moments of the kills.
 */
#include "board.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../support/random.h"

enum { HANGING_SECONDS = 120 };

struct scenario {
    const char *name;
    enum where where;
    const char *folder; /* folder of the file */
    unsigned exact;     /* bit i: owner i uses the functions that store handles */
    bool kills_all;     /* all processes at once, so that the next one opens the image alone */
    bool recreates;     /* the image is removed from time to time, and growth starts again */
    bool inherits;      /* the coordinator has the heap open, and owners may inherit it */
};

static const struct scenario scenarios[] = {
    {"memfd, exact", IN_MEMFD, NULL, 0xf, false, false, true},
    {"memory, mixed", IN_NAME, NULL, 0x3, false, false, false},
    {"memory, all killed", IN_NAME, NULL, 0x5, true, false, false},
    {"file in tmpfs, all killed", IN_FILE, "/dev/shm", 0xf, true, false, false},
    {"file on disk, all killed", IN_FILE, "/var/tmp", 0xf, true, false, false},
    {"file on disk, mixed", IN_FILE, "/var/tmp", 0x3, false, false, false},
    {"creation and growth", IN_NAME, NULL, 0xf, true, true, false},
};

struct totals {
    uint64_t operations, kills, repairs, losses, possible_losses;
};

struct run {
    const struct scenario *scenario;
    struct access access;
    struct progress *progress;
    uint64_t random, generation;
    pid_t process[OWNERS + 1]; /* the last one reads only */
    struct totals totals;
    uint64_t last_operations;
    time_t last_change;
};

static time_t now_seconds(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec;
}

/* ---- processes ---- */

static bool run_is_exact(const struct run *run, int index) {
    return (run->scenario->exact >> index & 1) != 0;
}

static void run_start(struct run *run, int index) {
    uint64_t seed = random_next(&run->random) | 1;
    struct access access = run->access;
    if (random_below(&run->random, 2) == 0) access.inherited = NULL;
    run->process[index] = fork();
    CHECK(run->process[index] >= 0);
    if (run->process[index] != 0) return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (index == OWNERS) reader_run(&access, run->progress, seed);
    owner_run(&access, run->progress, index, run_is_exact(run, index), seed);
}

static void run_print_file(pid_t pid, const char *file) {
    char path[64], text[512];
    snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, file);
    FILE *stream = fopen(path, "r");
    if (stream == NULL) return;
    size_t length = fread(text, 1, sizeof text - 1, stream);
    text[length] = '\0';
    fclose(stream);
    fprintf(stderr, "  %s: %s\n", file, text);
}

static _Noreturn void run_fail(struct run *run, const char *why) {
    fprintf(stderr, "%s: %s after %llu kills\n", run->scenario->name, why,
            (unsigned long long)run->totals.kills);
    for (int i = 0; i <= OWNERS; i++) {
        fprintf(stderr, " process %d (pid %d): %llu operations, doing %llu\n", i,
                (int)run->process[i], (unsigned long long)run->progress->of[i].operations,
                (unsigned long long)run->progress->of[i].doing);
        if (run->process[i] <= 0) continue;
        run_print_file(run->process[i], "stat");
        run_print_file(run->process[i], "wchan");
        run_print_file(run->process[i], "syscall");
        run_print_file(run->process[i], "stack");
    }
    for (int i = 0; i <= OWNERS; i++)
        if (run->process[i] > 0) kill(run->process[i], SIGKILL);
    exit(EXIT_FAILURE);
}

/* Returns true if the process ended, which it may do without an error. */
static bool run_has_ended(struct run *run, int index, int options) {
    int status;
    pid_t ended = waitpid(run->process[index], &status, options);
    CHECK(ended >= 0);
    if (ended == 0) return false;
    run->process[index] = 0;
    if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGKILL) {
        char why[100];
        snprintf(why, sizeof why, "process %d failed with status %x", index, (unsigned)status);
        if (status != 0) run_fail(run, why);
    }
    return true;
}

static void run_watch(struct run *run) {
    uint64_t operations = 0;
    for (int i = 0; i < OWNERS; i++) operations += run->progress->of[i].operations;
    if (operations != run->last_operations) {
        run->last_operations = operations;
        run->last_change = now_seconds();
    } else if (now_seconds() - run->last_change > HANGING_SECONDS) {
        run_fail(run, "no progress");
    }
}

/* ---- kills ---- */

static void run_pause(struct run *run, size_t most) {
    size_t microseconds = random_below(&run->random, most);
    struct timespec pause = {0, (long)microseconds * 1000};
    nanosleep(&pause, NULL);
}

static void run_kill(struct run *run, int index) {
    if (run->process[index] == 0) return;
    bool stops = random_below(&run->random, 4) == 0;
    if (stops) {
        kill(run->process[index], SIGSTOP);
        run_pause(run, 3000);
    }
    kill(run->process[index], SIGKILL);
    run_has_ended(run, index, 0);
    run->totals.kills++;
}

/* The image is intact after all processes were killed. The process that checks it may be killed
 * too. */
static void run_inspect(struct run *run) {
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        struct mallow_shared *heap = NULL;
        struct mallow_shared_finding finding;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        alarm(HANGING_SECONDS);
        EXPECT(access_open(&run->access, &heap, MALLOW_SHARED_OPEN_OR_CREATE));
        EXPECT(mallow_shared_check(heap, &finding));
        board_create(heap);
        for (int i = 0; i < OWNERS; i++) owner_take_over(heap, i, run_is_exact(run, i));
        EXPECT(mallow_shared_check(heap, &finding));
        if (random_below(&run->random, 2) == 0) EXPECT(mallow_shared_close(heap));
        _exit(EXIT_SUCCESS);
    }
    bool kills = random_below(&run->random, 3) == 0;
    if (kills) {
        run_pause(run, 2000);
        kill(child, SIGKILL);
        run->totals.kills++;
    }
    int status;
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    if (status != 0 && !(kills && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL))
        run_fail(run, "the image is not intact");
}

static void run_disturb(struct run *run) {
    /* A process that is killed soon after its start is opening the heap. */
    run_pause(run, random_below(&run->random, 4) == 0 ? 500 : 12000);
    bool all = run->scenario->kills_all;
    int victim = (int)random_below(&run->random, OWNERS + 1);
    for (int i = 0; i <= OWNERS; i++)
        if (all || i == victim || random_below(&run->random, 16) == 0) run_kill(run, i);
    if (all) {
        if (run->scenario->recreates && random_below(&run->random, 2) == 0)
            access_unlink(&run->access);
        else
            run_inspect(run);
    }
}

/* ---- the end ---- */

/* Frees the blocks that have no owner, of which only the positions are known. */
static uint64_t run_free_lost(struct mallow_shared *heap) {
    struct stat file;
    CHECK_EQUAL(fstat(mallow_shared_fd(heap), &file), 0);
    const char *start = (const char *)((uintptr_t)mallow_shared_root(heap) & ~(uintptr_t)4095);
    uint64_t lost = 0;
    for (off_t at = 0; at < file.st_size; at += 16) {
        mallow_shared_handle handle = mallow_shared_handle_of(heap, start + at);
        if (handle != 0 && mallow_shared_free(heap, handle) == MALLOW_OK) lost++;
    }
    return lost;
}

/* All memory is free and merged to the largest possible blocks. */
static void run_check_merged(struct mallow_shared *heap) {
    struct mallow_shared_statistics now;
    mallow_shared_handle all = 0;
    EXPECT(mallow_shared_measure(heap, &now));
    CHECK_EQUAL(now.blocks, 0);
    CHECK_EQUAL(now.used, 0);
    CHECK_EQUAL(now.requested, 0);
    CHECK_EQUAL(now.free, now.size);
    uint64_t largest = (uint64_t)1 << (63 - __builtin_clzll(now.size));
    EXPECT(mallow_shared_alloc(heap, largest, &all));
    EXPECT(mallow_shared_free(heap, all));
    EXPECT(mallow_shared_measure(heap, &now));
    CHECK_EQUAL(now.largest_free, largest);
    for (int order = 0; order < MALLOW_SHARED_ORDERS; order++)
        CHECK_EQUAL(now.free_blocks[order], now.size >> 4 >> order & 1);
}

static void run_account(struct run *run) {
    struct mallow_shared *heap = run->access.inherited;
    struct mallow_shared_statistics now;
    struct mallow_shared_finding finding;
    if (heap == NULL) EXPECT(access_open(&run->access, &heap, MALLOW_SHARED_OPEN_OR_CREATE));
    EXPECT(mallow_shared_check(heap, &finding));
    board_create(heap);
    uint64_t possible = 0;
    for (int i = 0; i < OWNERS; i++) {
        owner_take_over(heap, i, run_is_exact(run, i));
        possible += owner_possible_losses(heap, i);
    }
    for (int i = 0; i < OWNERS; i++) owner_free_all(heap, i);
    struct board *board = board_of(heap);
    for (int i = 0; i < BOXES; i++) EXPECT(mallow_shared_free_from(heap, &board->box[i]));
    for (int i = 0; i < OWNERS; i++) EXPECT(mallow_shared_free_from(heap, &board->table[i]));
    EXPECT(mallow_shared_free_from(heap, mallow_shared_root(heap)));
    EXPECT(mallow_shared_measure(heap, &now));
    CHECK(now.blocks <= possible);
    CHECK_EQUAL(run_free_lost(heap), now.blocks);
    run->totals.losses = now.blocks;
    run->totals.possible_losses = possible;
    run->totals.repairs = now.repairs;
    run_check_merged(heap);
    EXPECT(mallow_shared_check(heap, &finding));
    EXPECT(mallow_shared_close(heap));
    EXPECT(access_open(&run->access, &heap, MALLOW_SHARED_READ_ONLY));
    EXPECT(mallow_shared_check(heap, &finding));
    EXPECT(mallow_shared_close(heap));
}

static void run_prepare(struct run *run, int number) {
    struct access *access = &run->access;
    access->where = run->scenario->where;
    access->options = (struct mallow_shared_options){.size = 1, .maximum = 8 << 20};
    if (access->where == IN_NAME)
        snprintf(access->path, sizeof access->path, "/mallow-kills-%d-%d", (int)getpid(), number);
    else if (access->where == IN_FILE)
        snprintf(access->path, sizeof access->path, "%s/mallow-kills-%d-%d", run->scenario->folder,
                 (int)getpid(), number);
    else {
        access->fd = memfd_create("kills", MFD_CLOEXEC);
        CHECK(access->fd >= 0);
    }
    if (run->scenario->inherits)
        EXPECT(access_open(access, &access->inherited, MALLOW_SHARED_OPEN_OR_CREATE));
    run->last_change = now_seconds();
}

static struct totals run_scenario(const struct scenario *scenario, int number, uint64_t operations,
                                  uint64_t kills, struct progress *progress, uint64_t seed) {
    struct run run = {.scenario = scenario, .progress = progress, .random = seed};
    memset(progress, 0, sizeof *progress);
    run_prepare(&run, number);
    for (int i = 0; i <= OWNERS; i++) run_start(&run, i);
    while (run.totals.kills < kills || run.last_operations < operations) {
        if (run.totals.kills < kills)
            run_disturb(&run);
        else
            run_pause(&run, 12000);
        for (int i = 0; i <= OWNERS; i++)
            if (run.process[i] == 0 || run_has_ended(&run, i, WNOHANG)) run_start(&run, i);
        run_watch(&run);
    }
    progress->stop = 1;
    for (int i = 0; i <= OWNERS; i++)
        while (!run_has_ended(&run, i, WNOHANG)) {
            run_pause(&run, 1000);
            run_watch(&run);
        }
    run_account(&run);
    access_unlink(&run.access);
    run.totals.operations = run.last_operations;
    return run.totals;
}

int main(int argc, char **argv) {
    const uint64_t count = sizeof scenarios / sizeof *scenarios;
    uint64_t operations = argc > 1 ? strtoull(argv[1], NULL, 10) : 500000;
    uint64_t kills = argc > 2 ? strtoull(argv[2], NULL, 10) : 140;
    uint64_t seed = argc > 3 ? strtoull(argv[3], NULL, 10) : (uint64_t)time(NULL);
    struct progress *progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    CHECK(progress != MAP_FAILED);
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("seed %llu\n%-26s %10s %7s %8s %6s %9s %8s\n", (unsigned long long)seed, "",
           "operations", "kills", "repairs", "lost", "possible", "seconds");
    for (uint64_t i = 0; i < count; i++) {
        time_t start = now_seconds();
        struct totals totals =
            run_scenario(&scenarios[i], (int)i, operations / count, (kills + count - 1) / count,
                         progress, (seed + i) * 0x9e3779b97f4a7c15 | 1);
        printf("%-26s %10llu %7llu %8llu %6llu %9llu %8ld\n", scenarios[i].name,
               (unsigned long long)totals.operations, (unsigned long long)totals.kills,
               (unsigned long long)totals.repairs, (unsigned long long)totals.losses,
               (unsigned long long)totals.possible_losses, (long)(now_seconds() - start));
    }
    return EXIT_SUCCESS;
}
