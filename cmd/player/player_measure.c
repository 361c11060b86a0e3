/* Measures this process: its memory, time and page faults. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "player/player.h"
#include "trace/trace_clock.h"

_Noreturn void player_fail(const char *message) {
    static const char name[] = "mallow-replay: ";
    if (write(STDERR_FILENO, name, strlen(name)) < 0 ||
        write(STDERR_FILENO, message, strlen(message)) < 0 || write(STDERR_FILENO, "\n", 1) < 0)
        _exit(2);
    _exit(1);
}

/* ---- resident memory ---- */

static const char *player_skip_number(const char *at, uint64_t *number) {
    *number = 0;
    while (*at == ' ') at++;
    while (*at >= '0' && *at <= '9') *number = *number * 10 + (uint64_t)(*at++ - '0');
    return at;
}

/* The three numbers are the size, the resident pages, and those of them that are of files or of
 * shared memory. */
static void player_read_pages(uint64_t *resident, uint64_t *shared) {
    static int file = -1;
    char text[128];
    uint64_t size;
    if (file < 0) file = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n = pread(file, text, sizeof text - 1, 0);
    if (n <= 0) player_fail("cannot read /proc/self/statm: replay where /proc is mounted");
    text[n] = '\0';
    player_skip_number(player_skip_number(player_skip_number(text, &size), resident), shared);
}

uint64_t player_resident(void) {
    uint64_t resident, shared;
    player_read_pages(&resident, &shared);
    return (resident > shared ? resident - shared : 0) * player.head->page_bytes;
}

static uint64_t player_files(void) {
    uint64_t resident, shared;
    player_read_pages(&resident, &shared);
    return shared * player.head->page_bytes;
}

/* ---- time ---- */

static uint64_t player_ns(clockid_t clock) {
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t player_ticks(void) {
    uint64_t ticks = trace_counter();
    return ticks != 0 ? ticks : player_ns(CLOCK_MONOTONIC);
}

static uint64_t player_faults(void) {
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    return (uint64_t)(usage.ru_minflt + usage.ru_majflt);
}

#define CALIBRATIONS 1000

static uint64_t player_clock_overhead(void) {
    uint64_t least = UINT64_MAX;
    for (int i = 0; i < CALIBRATIONS; i++) {
        uint64_t ticks = player_ticks();
        ticks = player_ticks() - ticks;
        if (ticks < least) least = ticks;
    }
    return least;
}

void player_start_clock(void) {
    struct replay_head *head = player.head;
    head->overhead_ticks = player_clock_overhead();
    head->resident_first = player_resident();
    head->faults = player_faults();
    head->processor_ns = player_ns(CLOCK_PROCESS_CPUTIME_ID);
    head->clock_ns = head->elapsed_ns = player_ns(CLOCK_MONOTONIC);
    head->clock_ticks = player_ticks();
}

void player_stop_clock(void) {
    struct replay_head *head = player.head;
    head->clock_ticks = player_ticks() - head->clock_ticks;
    head->clock_ns = head->elapsed_ns = player_ns(CLOCK_MONOTONIC) - head->elapsed_ns;
    head->processor_ns = player_ns(CLOCK_PROCESS_CPUTIME_ID) - head->processor_ns;
    head->faults = player_faults() - head->faults;
    head->files = player_files();
}
