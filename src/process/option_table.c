#include "process/option_table.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "leak/leak_suppress.h"
#include "os/os.h"
#include "pages/purge.h"
#include "pages/space.h"
#include "process/calls.h"
#include "process/error_text.h"
#include "process/options_change.h"
#include "process/word.h"
#include "profile/profile_file.h"
#include "report/log.h"
#include "report/symbolizer.h"
#include "stack/stack.h"
#include "trace/trace_state.h"

#define THRESHOLD_MAX ((size_t)32 * MIB)
#define MXFAST_DEFAULT (64 * sizeof(size_t) / 4) /* libc's */
#define MXFAST_MAX (80 * sizeof(size_t) / 4)
#define TCACHE_COUNT_MAX 65535

/* The effects of a number besides being stored. */
enum option_effect {
    EFFECT_NONE,
    EFFECT_CHECK,
    EFFECT_CHECK_LEVEL,
    EFFECT_COUNT,
    EFFECT_FIX_THRESHOLD,
    EFFECT_GUARD,
    EFFECT_HUGE_PAGES,
    EFFECT_MAGAZINES,
    EFFECT_MXFAST,
    EFFECT_ON_ERROR,
    EFFECT_PERTURB,
    EFFECT_RETAIN,
    EFFECT_SAMPLE,
    EFFECT_STATS_PID,
    EFFECT_TCACHE_MAX,
    EFFECT_TOP_PAD,
    EFFECT_TRIM_THRESHOLD,
    EFFECT_ZERO,
};

/* The effects of a path. */
enum option_path_effect {
    EFFECT_LEAK_SUPPRESSIONS,
    EFFECT_LOG,
    EFFECT_PROFILE,
    EFFECT_STATS_PAGE,
    EFFECT_SYMBOLIZER,
    EFFECT_TRACE,
};

/* ---- the table ---- */

#define ROW(list, name, text, type, most) \
    .source = list, .key = name, .values = text, .kind = type, .max = most
#define CHOICE(key, words) ROW(OPTION_MALLOW, key, words, OPTION_CHOICE, 0)
#define VALUE(key, name, kind, max) ROW(OPTION_MALLOW, key, name, kind, max)
#define LIBC(key, old_name, number, kind, max) \
    ROW(OPTION_LIBC, key, "N", kind, max), .variable = old_name, .parameter = number
#define TARGET(field) \
    .target = offsetof(struct settings, field), .target_size = sizeof settings.field
#define EFFECT(name) .effect = EFFECT_##name

_Static_assert(sizeof(struct settings) <= UINT8_MAX, "the offset of a target has one byte");

/* In the order of mallow(7). */
START_ONLY const struct option option_table[] = {
    {CHOICE("backend", "reserve|brk"), TARGET(break_backend),
     .help = "Chooses where the heap keeps small and medium-sized blocks."},
    {CHOICE("check", "free|hard|full|seal|off"), EFFECT(CHECK),
     .help = "Chooses how much is checked."},
    {CHOICE("zero_on_free", "off|on"), EFFECT(ZERO), .help = "Clears blocks when they are freed."},
    {CHOICE("randomize", "off|on"), TARGET(randomize),
     .help = "Hands out new blocks in an unpredictable order."},
    {VALUE("frames", "N", OPTION_NUMBER, STACK_FRAMES_MAX), TARGET(frames),
     .help = "Sets how many stack frames are recorded for each block."},
    {VALUE("quarantine", "amount", OPTION_AMOUNT, PTRDIFF_MAX), TARGET(quarantine),
     .help = "Sets how many bytes of freed blocks wait before they are reused."},
    {VALUE("guard", "N", OPTION_ONE_IN, SIZE_MAX), TARGET(guard), EFFECT(GUARD),
     .help = "Places one block in N between two inaccessible pages."},
    {CHOICE("guard_align", "right|left"), TARGET(guard_left),
     .help = "Chooses the side on which a guarded block touches an inaccessible page."},
    {VALUE("guard_budget", "amount", OPTION_AMOUNT, SIZE_MAX), TARGET(guard_budget),
     .help = "Limits the memory of guarded blocks."},
    {VALUE("retain", "auto|amount", OPTION_AUTO_OR_AMOUNT, SIZE_MAX), EFFECT(RETAIN),
     .help = "Limits the free memory that is kept for later allocations."},
    {CHOICE("purge_thread", "off|on"), TARGET(purge_thread),
     .help = "Starts a thread that returns unused memory to the kernel."},
    {CHOICE("on_error", "abort|report"), EFFECT(ON_ERROR),
     .help = "Chooses whether a memory error ends the program."},
    {CHOICE("mismatched_free", "report|ignore"), TARGET(families_mixed),
     .help = "Chooses whether a free by the wrong function is reported."},
    {CHOICE("stats", "off|exit"), TARGET(summary), EFFECT(COUNT),
     .help = "Prints a summary when the program ends."},
    {CHOICE("stats_format", "text|json"), TARGET(summary_json),
     .help = "Chooses the format of the summary."},
    {VALUE("stats_pid", "pid", OPTION_PROCESS, INT_MAX), EFFECT(STATS_PID),
     .help = "Prints the summary only in the process with this ID."},
    {VALUE("stats_page", "file", OPTION_FILE, 0), EFFECT(STATS_PAGE),
     .help = "Counts calls in this file."},
    {VALUE("sample", "amount", OPTION_AMOUNT, PTRDIFF_MAX), TARGET(sample), EFFECT(SAMPLE),
     .help = "Samples one allocation in this many bytes for a profile."},
    {VALUE("profile", "file", OPTION_FILE_PATTERN, 0), EFFECT(PROFILE),
     .help = "Writes the profile of the sampled allocations to this file."},
    {VALUE("trace", "file", OPTION_FILE, 0), EFFECT(TRACE),
     .help = "Records each call in this file in memory, which a command reads."},
    {CHOICE("control", "off|on"), TARGET(control),
     .help = "Starts a thread that answers the subcommands of mallow(1)."},
    {CHOICE("leak", "off|exit"), TARGET(leak_at_exit),
     .help = "Searches for lost blocks when the process ends."},
    {VALUE("leak_status", "N", OPTION_NUMBER, UINT8_MAX), TARGET(leak_status),
     .help = "Sets the exit status of a process that has lost blocks."},
    {VALUE("leak_suppressions", "file", OPTION_FILE, 0), EFFECT(LEAK_SUPPRESSIONS),
     .help = "Leaves out the leaks that this file lists."},
    {VALUE("symbolizer", "command", OPTION_FILE, 0), EFFECT(SYMBOLIZER),
     .help = "Sets the command that adds functions and source lines to reports."},
    {VALUE("log", "file", OPTION_FILE_PATTERN, 0), EFFECT(LOG),
     .help = "Appends messages and the summary to this file."},

    {LIBC("trim_threshold", "MALLOC_TRIM_THRESHOLD_", M_TRIM_THRESHOLD, OPTION_NUMBER, SIZE_MAX),
     .mallopt_bits = -1, EFFECT(TRIM_THRESHOLD),
     .help = "Limits the free memory that is kept for later allocations."},
    {LIBC("top_pad", "MALLOC_TOP_PAD_", M_TOP_PAD, OPTION_NUMBER, SIZE_MAX), EFFECT(TOP_PAD),
     .help = "Sets how many extra bytes become accessible when the heap grows."},
    {LIBC("mmap_threshold", "MALLOC_MMAP_THRESHOLD_", M_MMAP_THRESHOLD, OPTION_NUMBER,
          THRESHOLD_MAX),
     TARGET(mmap_threshold), EFFECT(FIX_THRESHOLD),
     .help = "Sets the size from which blocks get a mapping of their own."},
    {LIBC("mmap_max", "MALLOC_MMAP_MAX_", M_MMAP_MAX, OPTION_NUMBER, INT_MAX), TARGET(mmap_max),
     EFFECT(FIX_THRESHOLD), .help = "Limits how many blocks have a mapping of their own."},
    {LIBC("mxfast", "", M_MXFAST, OPTION_NUMBER, MXFAST_MAX), EFFECT(MXFAST),
     .help = "Limits the size of the free blocks that a thread caches."},
    {LIBC("tcache_max", "", 0, OPTION_NUMBER, SIZE_MAX), EFFECT(TCACHE_MAX),
     .help = "Limits the size of the free blocks that a thread caches."},
    {LIBC("tcache_count", "", 0, OPTION_NUMBER, TCACHE_COUNT_MAX), TARGET(tcache_count),
     EFFECT(MAGAZINES), .help = "Limits how many free blocks of each size a thread caches."},
    {LIBC("perturb", "MALLOC_PERTURB_", M_PERTURB, OPTION_NUMBER, UINT8_MAX),
     .mallopt_bits = UINT8_MAX, TARGET(perturb), EFFECT(PERTURB),
     .help = "Fills memory when it is allocated and when it is freed."},
    {LIBC("check", "MALLOC_CHECK_", M_CHECK_ACTION, OPTION_DIGIT, 3), .mallopt_bits = 7,
     TARGET(check_action), EFFECT(CHECK_LEVEL), .help = "Chooses the reaction to a memory error."},
    {LIBC("hugetlb", "", 0, OPTION_NUMBER, SIZE_MAX), EFFECT(HUGE_PAGES),
     .help = "Asks the kernel for transparent huge pages."},
    {LIBC("arena_max", "MALLOC_ARENA_MAX", M_ARENA_MAX, OPTION_NUMBER, SIZE_MAX),
     .help = "Has no effect, and is accepted for compatibility."},
    {LIBC("arena_test", "MALLOC_ARENA_TEST", M_ARENA_TEST, OPTION_NUMBER, SIZE_MAX),
     .help = "Has no effect, and is accepted for compatibility."},
    {LIBC("tcache_unsorted_limit", "", 0, OPTION_NUMBER, SIZE_MAX),
     .help = "Has no effect, and is accepted for compatibility."},

    {.key = ""},
};

/* ---- effects of numbers ---- */

static void option_set_check(size_t place) {
    enum { OFF = 4 }; /* wrong pointers are ignored without a message */
    _Static_assert(CHECK_FREE == 0 && CHECK_HARD == 1 && CHECK_FULL == 2 && CHECK_SEAL == 3,
                   "the words of `check`");
    settings.check_wanted = place == OFF ? CHECK_FREE : (enum check_mode)place;
    if (place == OFF) settings.check_action = 0;
}

/* In the environment, a level that reports errors or ends the program also turns check=full on.
 * mallopt comes too late for that. */
static void option_set_check_level(size_t level) {
    bool looks = (level & (CHECK_REPORT | CHECK_ABORT)) != 0;
    settings.check_wanted = looks ? CHECK_FULL : CHECK_FREE;
}

static void option_set_guard(size_t one_in) { options_change_mode(MODE_GUARD, one_in != 0); }

static void option_set_stats_pid(size_t process) {
    settings.summary = settings.summary && process == (size_t)os_process_id();
    options_change_mode(MODE_COUNT, settings.summary);
}

/* In libc the limit concerns only small blocks. A value of at least libc's default does not ask for
 * less caching, so it is no limit here. */
static void option_set_mxfast(size_t bytes) {
    settings.mxfast = bytes < MXFAST_DEFAULT ? bytes : SLOT_MAX;
    options_change_magazines();
}

static void option_set_tcache_max(size_t bytes) {
    settings.tcache_max = min_size(bytes, SLOT_MAX);
    options_change_magazines();
}

static void option_set_top_pad(size_t bytes) {
    space.top_pad = bytes;
    settings.fixed_threshold = true;
}

static void option_set_trim_threshold(size_t bytes) {
    purge_set_retain(min_size(bytes, PURGE_NEVER)); /* SIZE_MAX would be "auto" */
    settings.fixed_threshold = true;
}

static void option_apply(enum option_effect effect, size_t number) {
    switch (effect) {
    case EFFECT_NONE:
        break;
    case EFFECT_CHECK:
        option_set_check(number);
        break;
    case EFFECT_CHECK_LEVEL:
        option_set_check_level(number);
        break;
    case EFFECT_COUNT:
        options_change_mode(MODE_COUNT, number != 0);
        break;
    case EFFECT_FIX_THRESHOLD:
        settings.fixed_threshold = true;
        break;
    case EFFECT_GUARD:
        option_set_guard(number);
        break;
    case EFFECT_HUGE_PAGES:
        if (number != 0) space_use_huge_pages();
        break;
    case EFFECT_MAGAZINES:
        options_change_magazines();
        break;
    case EFFECT_MXFAST:
        option_set_mxfast(number);
        break;
    case EFFECT_ON_ERROR:
        settings.check_action = number == 0 ? CHECK_REPORT | CHECK_ABORT : CHECK_REPORT;
        break;
    case EFFECT_PERTURB:
        options_change_mode(MODE_FILL, number != 0);
        break;
    case EFFECT_RETAIN:
        purge_set_retain(number);
        break;
    case EFFECT_SAMPLE:
        options_change_mode(MODE_SAMPLE, number != 0);
        break;
    case EFFECT_STATS_PID:
        option_set_stats_pid(number);
        break;
    case EFFECT_TCACHE_MAX:
        option_set_tcache_max(number);
        break;
    case EFFECT_TOP_PAD:
        option_set_top_pad(number);
        break;
    case EFFECT_TRIM_THRESHOLD:
        option_set_trim_threshold(number);
        break;
    case EFFECT_ZERO:
        options_change_mode(MODE_ZERO, number != 0);
        break;
    }
}

static void option_store(const struct option *option, size_t number) {
    char *target = (char *)&settings + option->target;
    switch (option->target_size) {
    case sizeof(uint8_t):
        racy_store((uint8_t *)target, (uint8_t)number);
        break;
    case sizeof(unsigned):
        racy_store((unsigned *)target, (unsigned)number);
        break;
    case sizeof(size_t):
        racy_store((size_t *)target, number);
        break;
    }
}

RARE void option_set_number(const struct option *option, size_t number) {
    option_store(option, number);
    option_apply(option->effect, number);
}

/* ---- effects of paths ---- */

/* Only the process that stats_pid names uses the page. If it cannot map the page, it prints the
 * summary itself. */
static void option_set_stats_page(const char *path) {
    if (settings.summary) calls_share(path);
}

static const char *option_set_log(const char *path) {
    int error = log_open(path);
    return error == 0 ? NULL : error_text(error);
}

static void option_set_symbolizer(const char *path) {
    static UNTOUCHED char kept[WORD_PATH_ROOM];
    memcpy(kept, path, strlen(path) + 1);
    symbolizer_set(kept);
}

RARE const char *option_set_path(const struct option *option, const char *path) {
    switch ((enum option_path_effect)option->effect) {
    case EFFECT_LEAK_SUPPRESSIONS:
        return leak_read_suppressions(path);
    case EFFECT_LOG:
        return option_set_log(path);
    case EFFECT_PROFILE:
        return profile_file_choose(path) ? NULL : error_text(ENAMETOOLONG);
    case EFFECT_STATS_PAGE:
        option_set_stats_page(path);
        break;
    case EFFECT_SYMBOLIZER:
        option_set_symbolizer(path);
        break;
    case EFFECT_TRACE:
        if (trace_open(path)) options_change_recording(true);
        break;
    }
    return NULL;
}
