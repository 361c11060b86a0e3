#include "process/options.h"

#include <errno.h>
#include <limits.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/atomics.h"
#include "base/compiler.h"
#include "base/layout.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "check/hard.h"
#include "check/redzone.h"
#include "heap/heap.h"
#include "leak/leak_suppress.h"
#include "os/open_lock.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "pages/purge.h"
#include "pages/space.h"
#include "process/calls.h"
#include "process/environment.h"
#include "report/log.h"
#include "report/report.h"
#include "report/symbolizer.h"
#include "stack/stack.h"

#define THRESHOLD_MAX ((size_t)32 * MIB)
#define MXFAST_DEFAULT (64 * sizeof(size_t) / 4) /* libc's */
#define MXFAST_MAX (80 * sizeof(size_t) / 4)
#define TCACHE_COUNT_MAX 65535
#define PATH_ROOM 4096

/* ---- what can be set, under whatever name ---- */

/* What magazines hold already goes with their heap's next slow path. */
static void magazines_change(void) { racy_store(&settings.generation, settings.generation + 1); }

static void set_mmap_threshold(size_t value) {
    racy_store(&settings.mmap_threshold, value);
    settings.fixed_threshold = true;
}

static void set_trim_threshold(size_t value) {
    purge_set_retain(min_size(value, PURGE_NEVER)); /* SIZE_MAX would be "auto" */
    settings.fixed_threshold = true;
}

static void set_top_pad(size_t value) {
    space.top_pad = value;
    settings.fixed_threshold = true;
}

static void set_mmap_max(size_t value) {
    settings.mmap_max = value;
    settings.fixed_threshold = true;
}

/* Who asks for libc's default or more does not ask for less than there is. */
static void set_mxfast(size_t value) {
    settings.mxfast = value < MXFAST_DEFAULT ? value : SLOT_MAX;
    magazines_change();
}

static void set_tcache_max(size_t value) {
    settings.tcache_max = min_size(value, SLOT_MAX);
    magazines_change();
}

static void set_tcache_count(size_t value) {
    settings.tcache_count = value;
    magazines_change();
}

/* Only slow paths look at it. */
static void set_special(unsigned bit, bool on) {
    unsigned special = on ? settings.special | bit : settings.special & ~bit;
    racy_store(&settings.special, special);
    open_lock_block_signals((special & SPECIAL_NEEDS_LOCK) != 0);
    space_serve_fast(settings_allow_fast_path());
    magazines_change();
}

static void set_perturb(size_t value) {
    settings.perturb = (uint8_t)value;
    set_special(SPECIAL_FILL, value != 0);
}

static void set_check_action(size_t value) { settings.check_action = (uint8_t)value; }

/* Differences are signed, so that PTRDIFF_MAX is the largest. */
static void set_quarantine(size_t value) { settings.quarantine = value; }

static void set_frames(size_t value) { settings.frames = (unsigned)value; }

static void set_huge_pages(size_t value) {
    if (value != 0) space_use_huge_pages();
}

/* Of arenas and of the unsorted list there are none here. */
static void set_nothing(size_t value) { (void)value; }

/* Every small number of blocks: then each call is looked at; else magazines stay in use. */
#define GUARD_SAMPLED 32

static void set_guard(size_t value) {
    settings.guard = value;
    set_special(SPECIAL_SAMPLE, value >= GUARD_SAMPLED);
    set_special(SPECIAL_GUARD, value != 0);
}

static void set_guard_budget(size_t value) { settings.guard_budget = value; }

static void set_summary_process(size_t value) {
    settings.summary = settings.summary && value == (size_t)os_process_id();
    set_special(SPECIAL_COUNT, settings.summary);
}

/* Never taken back: blocks that were made so must be found when they are freed. */
static void set_check_mode(enum check_mode mode) {
    if (mode == CHECK_FREE || settings.check != CHECK_FREE) return;
    redzone_choose_secret();
    settings.check = mode;
    settings.guard_large = true;
    set_special(mode == CHECK_FULL ? SPECIAL_FULL : SPECIAL_HARD, true);
}

/* ---- numbers and names ---- */

struct word {
    const char *text;
    size_t length;
};

static bool is(struct word w, const char *name) {
    return strlen(name) == w.length && memcmp(w.text, name, w.length) == 0;
}

/* With an optional k, m or g. */
static bool parse_digits(struct word w, size_t base, size_t *value) {
    *value = 0;
    for (size_t i = 0; i < w.length; i++) {
        char c = (char)(w.text[i] | 32);
        size_t digit = w.text[i] >= '0' && w.text[i] <= '9' ? (size_t)(w.text[i] - '0')
                       : base == 16 && c >= 'a' && c <= 'f' ? (size_t)(c - 'a' + 10)
                                                            : base;
        if (digit >= base) {
            unsigned shift = c == 'k' ? 10 : c == 'm' ? 20 : c == 'g' ? 30 : 0;
            if (shift == 0 || i + 1 != w.length || i == 0) return false;
            return !__builtin_mul_overflow(*value, (size_t)1 << shift, value);
        }
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    return w.length > 0;
}

static struct word without(struct word w, size_t first) {
    return (struct word){w.text + first, w.length - first};
}

static bool is_hexadecimal(struct word w) {
    return w.length > 2 && w.text[0] == '0' && (w.text[1] | 32) == 'x';
}

static bool parse_number(struct word w, size_t *value) {
    return is_hexadecimal(w) ? parse_digits(without(w, 2), 16, value) : parse_digits(w, 10, value);
}

/* As libc: 010 is 8, and -1 the largest number (MALLOC_TRIM_THRESHOLD_=-1 turns trimming off). */
static bool parse_libc_number(struct word w, size_t *value) {
    bool negative = w.length > 1 && w.text[0] == '-';
    struct word digits = without(w, negative);
    bool octal = digits.length > 1 && digits.text[0] == '0' && !is_hexadecimal(digits);
    if (!(octal ? parse_digits(digits, 8, value) : parse_number(digits, value))) return false;
    if (negative) *value = -*value;
    return true;
}

/* ---- MALLOW_OPTIONS ---- */

/* What a setter of a word returns: NULL when it has taken the word, else why it has not. */
#define NOT_LISTED "" /* the word is none of those that the option lists */

static const char *copy_path(struct word value, char path[PATH_ROOM]) {
    if (value.length == 0) return "no path is given";
    if (value.length >= PATH_ROOM) return "the path is too long";
    memcpy(path, value.text, value.length);
    path[value.length] = '\0';
    return NULL;
}

/* %p is the process's number, %% one %. */
static const char *expand_path(struct word value, char path[PATH_ROOM]) {
    struct text t = {.buffer = path, .size = PATH_ROOM};
    if (value.length == 0) return "no path is given";
    for (size_t i = 0; i < value.length; i++) {
        bool escape = value.text[i] == '%' && i + 1 < value.length;
        if (escape && value.text[i + 1] == 'p')
            text_add_number(&t, (uint64_t)os_process_id());
        else
            text_add_bytes(&t, value.text + i, 1);
        i += escape && (value.text[i + 1] == 'p' || value.text[i + 1] == '%');
    }
    if (t.length == t.size) return "the path is too long";
    path[t.length] = '\0';
    return NULL;
}

/* The library calls nothing of libc that may allocate, as strerror does. */
static const char *describe_error(int error) {
    static const struct {
        int error;
        const char *text;
    } known[] = {
        {ENOENT, "no such file or directory"},
        {EACCES, "permission denied"},
        {EPERM, "operation not permitted"},
        {EISDIR, "it is a directory"},
        {ENOTDIR, "a part of the path is no directory"},
        {EROFS, "the file system is read-only"},
        {ELOOP, "it is a symbolic link"},
        {ENXIO, "nobody reads the pipe"},
        {ENOSPC, "no space is left"},
        {EMFILE, "too many files are open"},
        {ENFILE, "too many files are open"},
        {ENAMETOOLONG, "the name is too long"},
    };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (known[i].error == error) return known[i].text;
    return "it cannot be opened";
}

static const char *set_log(struct word value) {
    char path[PATH_ROOM];
    const char *wrong = expand_path(value, path);
    int error = wrong == NULL ? log_open(path) : 0;
    return error != 0 ? describe_error(error) : wrong;
}

/* Processes that inherit the setting make no use of it. Without the page the process prints the
 * summary itself, if it can. */
static const char *set_stats_page(struct word value) {
    char path[PATH_ROOM];
    const char *wrong = copy_path(value, path);
    if (wrong == NULL && settings.summary) calls_share(path);
    return wrong;
}

static const char *set_leak_suppressions(struct word value) {
    char path[PATH_ROOM];
    const char *wrong = copy_path(value, path);
    return wrong != NULL ? wrong : leak_read_suppressions(path);
}

static const char *set_symbolizer(struct word value) {
    static UNTOUCHED char path[PATH_ROOM];
    const char *wrong = copy_path(value, path);
    if (wrong == NULL) symbolizer_set(path);
    return wrong;
}

/* The first word turns it off, the second one on. */
static const char *choose(struct word value, const char *off, const char *on, bool *flag) {
    if (!is(value, off) && !is(value, on)) return NOT_LISTED;
    *flag = is(value, on);
    return NULL;
}

static const char *set_stats(struct word value) {
    const char *wrong = choose(value, "off", "exit", &settings.summary);
    if (wrong == NULL) set_special(SPECIAL_COUNT, settings.summary);
    return wrong;
}

/* What the environment asks for: the last that it says counts. */
static enum check_mode wanted_check;

/* Off: a wrong free is passed over in silence. */
static const char *set_check(struct word value) {
    bool off = is(value, "off"), hard = is(value, "hard"), full = is(value, "full");
    if (!off && !hard && !full && !is(value, "free")) return NOT_LISTED;
    wanted_check = hard ? CHECK_HARD : full ? CHECK_FULL : CHECK_FREE;
    if (off) set_check_action(0);
    return NULL;
}

/* A level that reports or aborts on errors also has them looked for. */
static void set_check_level(size_t value) {
    set_check_action(value);
    wanted_check = (value & (CHECK_REPORT | CHECK_ABORT)) != 0 ? CHECK_FULL : CHECK_FREE;
}

static const char *set_zero_on_free(struct word value) {
    bool on = false;
    const char *wrong = choose(value, "off", "on", &on);
    if (wrong == NULL) set_special(SPECIAL_ZERO, on);
    return wrong;
}

static const char *set_on_error(struct word value) {
    bool report_only = false;
    const char *wrong = choose(value, "abort", "report", &report_only);
    if (wrong == NULL) set_check_action(report_only ? CHECK_REPORT : CHECK_REPORT | CHECK_ABORT);
    return wrong;
}

static bool is_backend(struct word value) { return is(value, "reserve") || is(value, "brk"); }

/* In effect already: see options_backend_is_break. */
static const char *set_backend(struct word value) { return is_backend(value) ? NULL : NOT_LISTED; }

static void set_leak_status(size_t value) { settings.leak_status = (uint8_t)value; }

/* The amount "auto" has no number of its own. */
static const char *set_retain(struct word value) {
    size_t bytes = SIZE_MAX;
    if (!is(value, "auto") && !parse_number(value, &bytes)) return NOT_LISTED;
    purge_set_retain(bytes);
    return NULL;
}

#define AMOUNT "a number of bytes, with k, m or g after it or without"

/* An option has one of a setter of words, a flag with its two words, or a setter of numbers. */
struct option {
    const char *key, *values; /* `values`: what a message says about a wrong one */
    const char *(*set)(struct word value);
    bool *flag;
    const char *off, *on;
    void (*set_number)(size_t value);
    size_t max;
};

#define CHOICE(name, field, first, second)                                                 \
    {                                                                                      \
        .key = name, .values = first " or " second, .flag = &settings.field, .off = first, \
        .on = second                                                                       \
    }
#define SWITCH(name, field) CHOICE(name, field, "off", "on")

static const struct option option_list[] = {
    {"backend", "reserve or brk", .set = set_backend},
    {"check", "free, hard, full or off", .set = set_check},
    {"frames", "0 to 64", .set_number = set_frames, .max = STACK_FRAMES_MAX},
    {"quarantine", AMOUNT, .set_number = set_quarantine, .max = PTRDIFF_MAX},
    {"zero_on_free", "off or on", .set = set_zero_on_free},
    SWITCH("randomize", randomize),
    {"guard", "a number, 0 for none", .set_number = set_guard, .max = SIZE_MAX},
    CHOICE("guard_align", guard_left, "right", "left"),
    {"guard_budget", AMOUNT, .set_number = set_guard_budget, .max = SIZE_MAX},
    {"retain", "auto or " AMOUNT, .set = set_retain},
    SWITCH("purge_thread", purge_thread),
    {"on_error", "abort or report", .set = set_on_error},
    CHOICE("mismatched_free", families_mixed, "report", "ignore"),
    {"stats", "off or exit", .set = set_stats},
    CHOICE("stats_format", summary_json, "text", "json"),
    {"stats_pid", "a number", .set_number = set_summary_process, .max = INT_MAX},
    {"stats_page", "a file", .set = set_stats_page},
    SWITCH("control", control),
    CHOICE("leak", leak_at_exit, "off", "exit"),
    {"leak_status", "0 to 255", .set_number = set_leak_status, .max = UINT8_MAX},
    {"leak_suppressions", "a file", .set = set_leak_suppressions},
    {"log", "a file", .set = set_log},
    {"symbolizer", "a command", .set = set_symbolizer},
};
#define OPTIONS_END (option_list + sizeof option_list / sizeof *option_list)
_Static_assert(STACK_FRAMES_MAX == 64, "as the message about `frames` says");

static const struct option *option_of(struct word key) {
    const struct option *option = option_list;
    while (option < OPTIONS_END && !is(key, option->key)) option++;
    return option;
}

static const char *set_option(const struct option *option, struct word value) {
    size_t number;
    if (option->set != NULL) return option->set(value);
    if (option->flag != NULL) return choose(value, option->off, option->on, option->flag);
    if (!parse_number(value, &number) || number > option->max) return NOT_LISTED;
    option->set_number(number);
    return NULL;
}

/* ---- lists of name=value ---- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

static struct word trimmed(struct word w) {
    while (w.length > 0 && is_space(w.text[0])) w = without(w, 1);
    while (w.length > 0 && is_space(w.text[w.length - 1])) w.length--;
    return w;
}

typedef void (*pair_function)(struct word name, struct word value);

/* Calls back for each name=value of a list. */
static void for_each_pair(const char *list, char separator, pair_function call) {
    while (list != NULL && *list != '\0') {
        const char *end = strchr(list, separator);
        size_t length = end == NULL ? strlen(list) : (size_t)(end - list);
        const char *equals = memchr(list, '=', length);
        size_t name = equals == NULL ? length : (size_t)(equals - list);
        struct word value = {"", 0};
        if (equals != NULL) value = (struct word){equals + 1, length - name - 1};
        if (length != 0) call((struct word){list, name}, value);
        list = end == NULL ? NULL : end + 1;
    }
}

#define SHOWN 100u /* bytes of a word that a message repeats */

static void add_quoted(struct text *t, const char *before, struct word w) {
    text_add(t, before);
    text_add(t, " '");
    text_add_visible(t, w.text, min_size(w.length, SHOWN));
    text_add(t, "'");
}

static void warn_of_option(const struct option *option, struct word key, struct word value,
                           const char *wrong) {
    char line[512];
    struct text t = {.buffer = line, .size = sizeof line};
    text_add(&t, "mallow: MALLOW_OPTIONS:");
    if (option == OPTIONS_END) {
        add_quoted(&t, " unknown key", key);
        text_add(&t, " is ignored (see mallow(7) for the keys)");
    } else {
        add_quoted(&t, " bad value", value);
        add_quoted(&t, " of", key);
        text_add(&t, " is ignored: ");
        text_add(&t, *wrong != '\0' ? wrong : option->values);
        text_add(&t, " (see mallow(7))");
    }
    log_line(&t);
}

static void read_option(struct word name, struct word text) {
    struct word key = trimmed(name), value = trimmed(text);
    const struct option *option = option_of(key);
    if (option == OPTIONS_END && key.length + value.length == 0) return;
    const char *wrong = option == OPTIONS_END ? NOT_LISTED : set_option(option, value);
    if (wrong != NULL) warn_of_option(option, key, value, wrong);
}

static bool backend_is_break;

static void read_backend(struct word name, struct word text) {
    struct word value = trimmed(text);
    if (is(trimmed(name), "backend") && is_backend(value)) backend_is_break = is(value, "brk");
}

RARE bool options_backend_is_break(void) {
    for_each_pair(environment_of("MALLOW_OPTIONS"), ',', read_backend);
    return backend_is_break;
}

/* ---- the names that glibc documents ---- */

#define TUNABLES "glibc.malloc."

/* An empty name: it is no tunable. What is above `max` is refused. Of mallopt's value `low_bits`
 * alone count; where these are 0 it must not be negative. */
struct knob {
    const char *tunable, *variable;
    int parameter, low_bits;
    size_t max;
    void (*set)(size_t value);
};

static const struct knob knobs[] = {
    {"check", NULL, 0, 0, 3, set_check_level},
    {"", NULL, M_CHECK_ACTION, 7, 3, set_check_action},
    {"top_pad", "MALLOC_TOP_PAD_", M_TOP_PAD, 0, SIZE_MAX, set_top_pad},
    {"perturb", "MALLOC_PERTURB_", M_PERTURB, 0xff, 0xff, set_perturb},
    {"mmap_max", "MALLOC_MMAP_MAX_", M_MMAP_MAX, 0, INT_MAX, set_mmap_max},
    {"mmap_threshold", "MALLOC_MMAP_THRESHOLD_", M_MMAP_THRESHOLD, 0, THRESHOLD_MAX,
     set_mmap_threshold},
    {"trim_threshold", "MALLOC_TRIM_THRESHOLD_", M_TRIM_THRESHOLD, -1, SIZE_MAX,
     set_trim_threshold},
    {"mxfast", NULL, M_MXFAST, 0, MXFAST_MAX, set_mxfast},
    {"tcache_max", NULL, 0, 0, SIZE_MAX, set_tcache_max},
    {"tcache_count", NULL, 0, 0, TCACHE_COUNT_MAX, set_tcache_count},
    {"tcache_unsorted_limit", NULL, 0, 0, SIZE_MAX, set_nothing},
    {"arena_max", "MALLOC_ARENA_MAX", M_ARENA_MAX, 0, SIZE_MAX, set_nothing},
    {"arena_test", "MALLOC_ARENA_TEST", M_ARENA_TEST, 0, SIZE_MAX, set_nothing},
    {"hugetlb", NULL, 0, 0, SIZE_MAX, set_huge_pages},
};
#define KNOBS_END (knobs + sizeof knobs / sizeof *knobs)

static bool turn(const struct knob *knob, size_t value) {
    if (value > knob->max) return false;
    knob->set(value);
    return true;
}

/* As libc: what is wrong is passed over. */
static void turn_to_text(const struct knob *knob, struct word text) {
    size_t value;
    if (parse_libc_number(text, &value)) turn(knob, value);
}

static void read_tunable(struct word name, struct word value) {
    const size_t prefix = sizeof TUNABLES - 1;
    if (name.length < prefix || memcmp(name.text, TUNABLES, prefix) != 0) return;
    for (const struct knob *knob = knobs; knob < KNOBS_END; knob++)
        if (is(without(name, prefix), knob->tunable)) turn_to_text(knob, value);
}

/* One digit, as mallopt(3) has it: what follows is ignored, and so are its higher bits. */
static void read_check_variable(void) {
    const char *text = environment_of("MALLOC_CHECK_");
    if (text != NULL && *text >= '0' && *text <= '9') set_check_level((size_t)(*text - '0') & 7);
}

static void read_variables(void) {
    read_check_variable();
    for (const struct knob *knob = knobs; knob < KNOBS_END; knob++) {
        const char *text = knob->variable == NULL ? NULL : environment_of(knob->variable);
        if (text != NULL) turn_to_text(knob, (struct word){text, strlen(text)});
    }
}

RARE void options_read(void) {
    if (os_auxv(AT_SECURE) != 0) {
        environment_forget_settings();
        return;
    }
    wanted_check = CHECK_FREE;
    read_variables();
    for_each_pair(environment_of("GLIBC_TUNABLES"), ':', read_tunable);
    for_each_pair(environment_of("MALLOW_OPTIONS"), ',', read_option);
    set_check_mode(wanted_check);
    if (settings.summary) calls_start();
    heap_follow_settings(); /* other constructors may have allocated before */
}

RARE int options_mallopt(int parameter, int value) {
    const struct knob *knob = knobs;
    while (knob < KNOBS_END && knob->parameter != parameter) knob++;
    if (knob == KNOBS_END || parameter == 0) return 1; /* as libc does */
    if (knob->low_bits != 0)
        knob->set((size_t)(value & knob->low_bits));
    else if (value < 0 || !turn(knob, (size_t)value))
        return 0;
    heap_follow_settings();
    return 1;
}

RARE void options_end_summary(void) {
    settings.summary = false;
    set_special(SPECIAL_COUNT, false);
    heap_follow_settings();
}

RARE void options_trace(bool wanted) {
    set_special(SPECIAL_TRACE, wanted);
    heap_follow_settings();
}

RARE void options_check(bool pedantic) {
    /* Other threads may be between the old ways to allocate and the new ones to free. */
    if (settings.check == CHECK_FREE) settings.families_mixed = true;
    set_check_mode(CHECK_FULL);
    if (pedantic) set_special(SPECIAL_PEDANTIC, true);
    heap_follow_settings();
}
