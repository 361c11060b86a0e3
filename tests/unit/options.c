/* What the environment and mallopt may set, and what is refused. */
#include "unit.h"

#include <fcntl.h>
#include <limits.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/settings.h"
#include "pages/space.h"
#include "process/options.h"
#include "report/log.h"

static struct settings defaults;
static size_t default_top_pad;

static int remember_defaults(void **state) {
    (void)state;
    defaults = settings;
    default_top_pad = space.top_pad;
    return 0;
}

static int restore_defaults(void **state) {
    (void)state;
    static const char *const names[] = {
        "MALLOW_OPTIONS",         "GLIBC_TUNABLES",         "MALLOC_TOP_PAD_",  "MALLOC_PERTURB_",
        "MALLOC_MMAP_THRESHOLD_", "MALLOC_TRIM_THRESHOLD_", "MALLOC_MMAP_MAX_", "MALLOC_CHECK_",
        "MALLOC_ARENA_MAX",       "MALLOC_ARENA_TEST"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) unsetenv(names[i]);
    settings = defaults;
    space.top_pad = default_top_pad;
    return 0;
}

/* Reads the settings with the variable set; returns what was written to standard error. */
static const char *read_with(const char *variable, const char *value) {
    static char written[1024];
    int real = dup(STDERR_FILENO), file = memfd_create("standard error", 0);
    assert_true(real >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    setenv(variable, value, 1);
    options_read();
    dup2(real, STDERR_FILENO);
    ssize_t length = pread(file, written, sizeof(written) - 1, 0);
    assert_true(length >= 0);
    written[length] = '\0';
    close(real);
    close(file);
    return written;
}

static void assert_top_pad_is(const char *text, size_t expected) {
    space.top_pad = 4711;
    assert_string_equal(read_with("MALLOC_TOP_PAD_", text), "");
    if (space.top_pad != expected)
        fail_msg("\"%s\" was read as %zu, not %zu", text, space.top_pad, expected);
}

static void numbers_are_decimal_or_hexadecimal_with_a_factor(void **state) {
    (void)state;
    assert_top_pad_is("0", 0);
    assert_top_pad_is("65536", 65536);
    assert_top_pad_is("0x10", 16);
    assert_top_pad_is("010", 8);
    assert_top_pad_is("-0x10", SIZE_MAX - 15);
    assert_top_pad_is("0XfF", 255);
    assert_top_pad_is("3k", 3 * KIB);
    assert_top_pad_is("3M", 3 * MIB);
    assert_top_pad_is("3g", 3 * GIB);
    assert_top_pad_is("0x2k", 2 * KIB);
    assert_top_pad_is("18446744073709551615", SIZE_MAX);
    assert_top_pad_is("-1", SIZE_MAX);
}

static void what_is_no_number_is_ignored(void **state) {
    (void)state;
    static const char *const texts[] = {"",
                                        "k",
                                        "-",
                                        "--1",
                                        "08",
                                        "0x",
                                        "12q",
                                        "1kk",
                                        "1k1",
                                        " 1",
                                        "1 ",
                                        "1.5",
                                        "ten",
                                        "18446744073709551616",
                                        "17179869184g",
                                        "0x10000000000000000"};
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) assert_top_pad_is(texts[i], 4711);
}

static void variables_set_what_glibc_documents(void **state) {
    (void)state;
    read_with("MALLOC_MMAP_THRESHOLD_", "1m");
    assert_int_equal(settings.mmap_threshold, MIB);
    assert_true(settings.fixed_threshold);
    read_with("MALLOC_MMAP_MAX_", "7");
    assert_int_equal(settings.mmap_max, 7);
    read_with("MALLOC_PERTURB_", "165");
    assert_int_equal(settings.perturb, 165);
    read_with("MALLOC_PERTURB_", "256");
    assert_int_equal(settings.perturb, 165);
    read_with("MALLOC_CHECK_", "0");
    assert_int_equal(settings.check_action, 0);
    read_with("MALLOC_CHECK_", "7bits");
    assert_int_equal(settings.check_action, 7);
    read_with("MALLOC_CHECK_", "");
    assert_int_equal(settings.check_action, 7);
}

static void assert_check_is(const char *variable, const char *value, enum check_mode expected) {
    settings = defaults;
    assert_string_equal(read_with(variable, value), "");
    assert_int_equal(settings.check, expected);
}

static void who_wants_to_hear_of_errors_has_them_found(void **state) {
    (void)state;
    static const char *const levels[] = {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"};
    for (unsigned i = 0; i < 10; i++)
        assert_check_is("MALLOC_CHECK_", levels[i], i % 4 == 0 ? CHECK_FREE : CHECK_FULL);
    setenv("MALLOC_CHECK_", "1", 1);
    assert_check_is("GLIBC_TUNABLES", "glibc.malloc.check=0", CHECK_FREE);
    assert_check_is("GLIBC_TUNABLES", "glibc.malloc.check=2", CHECK_FULL);
    assert_check_is("MALLOW_OPTIONS", "check=hard", CHECK_HARD);
    assert_check_is("MALLOW_OPTIONS", "check=hard,check=free", CHECK_FREE);
    assert_check_is("MALLOW_OPTIONS", "check=off", CHECK_FREE);
    assert_int_equal(settings.check_action, 0);
    settings = defaults;
    assert_int_equal(options_mallopt(M_CHECK_ACTION, 1), 1);
    assert_int_equal(settings.check, CHECK_FREE);
}

static void a_tunable_supersedes_its_variable(void **state) {
    (void)state;
    setenv("GLIBC_TUNABLES", "glibc.malloc.mmap_max=5", 1);
    read_with("MALLOC_MMAP_MAX_", "7");
    assert_int_equal(settings.mmap_max, 5);
}

/* The least and the largest value that are accepted, and one that is not. */
static void tunables_have_the_ranges_that_libc_lists(void **state) {
    (void)state;
    const struct {
        const char *name;
        size_t largest;
        const void *field;
        size_t bytes, stored;
    } tunables[] = {
        {"check", 3, &settings.check_action, 1, 3},
        {"perturb", 255, &settings.perturb, 1, 255},
        {"mmap_max", INT_MAX, &settings.mmap_max, 8, INT_MAX},
        {"mmap_threshold", 32 * MIB, &settings.mmap_threshold, 8, 32 * MIB},
        {"mxfast", 160, &settings.mxfast, 8, SLOT_MAX},
        {"tcache_count", 65535, &settings.tcache_count, 8, 65535},
        {"tcache_max", SIZE_MAX, &settings.tcache_max, 8, SLOT_MAX},
        {"top_pad", SIZE_MAX, &space.top_pad, 8, SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof(tunables) / sizeof(tunables[0]); i++) {
        for (size_t above = 0; above <= (tunables[i].largest < SIZE_MAX); above++) {
            char text[128];
            size_t now = 0;
            snprintf(text, sizeof(text), "glibc.malloc.%s=0:glibc.malloc.%s=%zu", tunables[i].name,
                     tunables[i].name, tunables[i].largest + above);
            assert_string_equal(read_with("GLIBC_TUNABLES", text), "");
            memcpy(&now, tunables[i].field, tunables[i].bytes);
            if (now != (above != 0 ? 0 : tunables[i].stored)) fail_msg("%s: %zu", text, now);
        }
    }
}

static void what_has_no_meaning_here_changes_nothing(void **state) {
    (void)state;
    assert_string_equal(read_with("GLIBC_TUNABLES",
                                  "glibc.malloc.arena_max=1:glibc.malloc.arena_test=1:"
                                  "glibc.malloc.tcache_unsorted_limit=1:glibc.malloc.hugetlb=0:"
                                  "glibc.malloc.new=1:glibc.mallocs=1:glibc.malloc.:top_pad=1"),
                        "");
    read_with("MALLOC_ARENA_MAX", "1");
    read_with("MALLOC_ARENA_TEST", "1");
    assert_int_equal(options_mallopt(M_ARENA_MAX, 1), 1);
    assert_int_equal(options_mallopt(M_ARENA_TEST, 1), 1);
    assert_int_equal(options_mallopt(0, 1), 1);
    assert_memory_equal(&settings, &defaults, sizeof(settings));
    assert_int_equal(space.top_pad, default_top_pad);
    assert_false(space.huge_pages);
}

static void tunables_are_a_list_in_which_wrong_ones_are_passed_over(void **state) {
    (void)state;
    assert_string_equal(
        read_with("GLIBC_TUNABLES",
                  "glibc.malloc.mmap_threshold=1m:glibc.rtld.nns=9::glibc.malloc.mxfast=161:"
                  "glibc.malloc.top_pad=x:glibc.malloc.mmap_max=5:glibc.malloc.perturb"),
        "");
    assert_int_equal(settings.mmap_threshold, MIB);
    assert_int_equal(settings.mmap_max, 5);
    assert_int_equal(settings.mxfast, defaults.mxfast);
    assert_int_equal(space.top_pad, default_top_pad);
    assert_int_equal(settings.perturb, 0);
}

static void options_are_read_in_order(void **state) {
    (void)state;
    assert_string_equal(
        read_with("MALLOW_OPTIONS",
                  "on_error=abort,on_error=report,,mismatched_free=ignore,stats=exit,"
                  "stats_format=json,"
                  "retain=auto,retain=16m,backend=reserve,check=free"),
        "");
    assert_int_equal(settings.check_action, CHECK_REPORT);
    assert_true(settings.families_mixed);
    assert_true(settings.summary);
    assert_true(settings.summary_json);
    assert_true((settings.special & SPECIAL_COUNT) != 0);
    assert_true(space.slow);
}

static bool backend_with(const char *options) {
    setenv("MALLOW_OPTIONS", options, 1);
    return options_backend_is_break();
}

/* As any other key, though nothing else is read with it. */
static void the_backend_is_known_before_all_others(void **state) {
    (void)state;
    assert_true(backend_with("backend=brk"));
    assert_true(backend_with("stats=exit,backend=reserve,backend=brk,colour=red"));
    assert_true(backend_with("backend=brk,backend=mmap"));
    assert_false(backend_with("backend=brk,backend=reserve"));
    assert_memory_equal(&settings, &defaults, sizeof(settings));
    assert_string_equal(read_with("MALLOW_OPTIONS", "backend=brk"), "");
}

static void the_summary_is_for_one_process(void **state) {
    (void)state;
    char options[64];
    snprintf(options, sizeof(options), "stats=exit,stats_pid=%d", (int)getpid());
    assert_string_equal(read_with("MALLOW_OPTIONS", options), "");
    assert_true(settings.summary);
    snprintf(options, sizeof(options), "stats=exit,stats_pid=%d", (int)getpid() + 1);
    assert_string_equal(read_with("MALLOW_OPTIONS", options), "");
    assert_false(settings.summary);
    assert_false((settings.special & SPECIAL_COUNT) != 0);
    assert_false(space.slow); /* the fast path serves */
}

static void assert_warns(const char *option, const char *expected) {
    char line[512];
    snprintf(line, sizeof(line), "mallow: MALLOW_OPTIONS: %s\n", expected);
    const char *written = read_with("MALLOW_OPTIONS", option);
    if (strcmp(written, line) != 0)
        fail_msg("\"%s\" says \"%s\", not \"%s\"", option, written, line);
    assert_memory_equal(&settings, &defaults, sizeof(settings));
}

static void assert_unknown(const char *option, const char *key) {
    char expected[256];
    snprintf(expected, sizeof(expected), "unknown key '%s' is ignored (see mallow(7) for the keys)",
             key);
    assert_warns(option, expected);
}

static void assert_bad(const char *option, const char *value, const char *key, const char *why) {
    char expected[256];
    snprintf(expected, sizeof(expected), "bad value '%s' of '%s' is ignored: %s (see mallow(7))",
             value, key, why);
    assert_warns(option, expected);
}

#define BYTES "a number of bytes, with k, m or g after it or without"

static void bad_options_are_named_and_ignored(void **state) {
    (void)state;
    assert_unknown("colour=red", "colour");
    assert_unknown("Retain=1", "Retain");
    assert_unknown("=1", "");
    assert_unknown("re tain=1", "re tain");
    assert_bad("retain=lots", "lots", "retain", "auto or " BYTES);
    assert_bad("retain=", "", "retain", "auto or " BYTES);
    assert_bad("retain", "", "retain", "auto or " BYTES);
    assert_bad("backend=mmap", "mmap", "backend", "reserve or brk");
    assert_bad("check=some", "some", "check", "free, hard, full or off");
    assert_bad("on_error=ignore", "ignore", "on_error", "abort or report");
    assert_bad("mismatched_free=abort", "abort", "mismatched_free", "report or ignore");
    assert_bad("stats=on", "on", "stats", "off or exit");
    assert_bad("stats_format=xml", "xml", "stats_format", "text or json");
    assert_bad("control=yes", "yes", "control", "off or on");
    assert_bad("guard_align=up", "up", "guard_align", "right or left");
    assert_bad("quarantine=1t", "1t", "quarantine", BYTES);
}

static void what_is_out_of_the_range_is_named_too(void **state) {
    (void)state;
    assert_bad("frames=65", "65", "frames", "0 to 64");
    assert_bad("frames=-1", "-1", "frames", "0 to 64");
    assert_bad("leak_status=256", "256", "leak_status", "0 to 255");
    assert_bad("quarantine=9223372036854775808", "9223372036854775808", "quarantine", BYTES);
    assert_bad("stats_pid=2147483648", "2147483648", "stats_pid", "a number");
}

static void a_file_that_cannot_be_used_is_named_with_the_reason(void **state) {
    (void)state;
    assert_bad("log=", "", "log", "no path is given");
    assert_bad("log=/absent/file", "/absent/file", "log", "no such file or directory");
    assert_bad("log=/tmp", "/tmp", "log", "it is a directory");
    assert_bad("log=/dev/null/file", "/dev/null/file", "log", "a part of the path is no directory");
    assert_bad("leak_suppressions=/absent", "/absent", "leak_suppressions", "it cannot be read");
    assert_bad("symbolizer=", "", "symbolizer", "no path is given");
}

static void spaces_around_keys_and_values_are_passed_over(void **state) {
    (void)state;
    assert_string_equal(
        read_with("MALLOW_OPTIONS", " frames = 7 , on_error=\treport\n, ,quarantine =1m"), "");
    assert_int_equal(settings.frames, 7);
    assert_int_equal(settings.check_action, CHECK_REPORT);
    assert_int_equal(settings.quarantine, MIB);
    setenv("MALLOW_OPTIONS", " backend = brk ", 1);
    assert_true(options_backend_is_break());
    setenv("MALLOW_OPTIONS", "backend=reserve", 1);
    assert_false(options_backend_is_break());
}

/* Neither a second line nor what a terminal would act on. */
static void what_a_message_repeats_is_made_visible(void **state) {
    (void)state;
    assert_unknown("a\nb\033[2Jc\177\302\233=1", "a?b?[2Jc???");
    assert_bad("check=x\r\ny", "x??y", "check", "free, hard, full or off");
}

static void a_bad_option_does_not_stop_the_others(void **state) {
    (void)state;
    read_with("MALLOW_OPTIONS", "colour=red,on_error=report,retain=x,stats=exit");
    assert_int_equal(settings.check_action, CHECK_REPORT);
    assert_true(settings.summary);
}

static char directory[] = "/tmp/mallow-unit-XXXXXX";

/* What was written to the file, which is removed. */
static const char *take_log(const char *path) {
    static char text[256];
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    ssize_t length = read(file, text, sizeof(text) - 1);
    assert_true(length >= 0);
    text[length] = '\0';
    close(file);
    unlink(path);
    log_use(STDERR_FILENO);
    return text;
}

static void messages_go_to_the_log(void **state) {
    (void)state;
    char options[128], path[64];
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof(path), "%s/log", directory);
    snprintf(options, sizeof(options), "log=%s,colour=red", path);
    assert_string_equal(read_with("MALLOW_OPTIONS", options), "");
    assert_non_null(strstr(take_log(path), "'colour'"));
    snprintf(path, sizeof(path), "%s/%d.%d%%p%%", directory, (int)getpid(), (int)getpid());
    snprintf(options, sizeof(options), "log=%s/%%p.%%p%%%%p%%,colour=red", directory);
    assert_string_equal(read_with("MALLOW_OPTIONS", options), "");
    assert_non_null(strstr(take_log(path), "'colour'"));
    rmdir(directory);
}

static bool suppressions_are_read(const char *path, const char *text, size_t bytes,
                                  const char *expected) {
    char option[128];
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    assert_true(file >= 0 && write(file, text, bytes) == (ssize_t)bytes);
    close(file);
    snprintf(option, sizeof(option), "leak_suppressions=%s", path);
    const char *written = read_with("MALLOW_OPTIONS", option);
    return *expected == '\0' ? *written == '\0' : strstr(written, expected) != NULL;
}

/* Also beyond 256 KiB. */
static void suppressions_are_read_to_their_end(void **state) {
    (void)state;
    const size_t bytes = 300 * KIB;
    char path[] = "/tmp/mallow-unit-XXXXXX", *text = malloc(bytes);
    assert_non_null(text);
    close(mkstemp(path));
    memset(text, '\n', bytes);
    assert_true(suppressions_are_read(path, text, bytes, ""));
    memcpy(text + bytes - 5, "leak\n", 5);
    assert_true(suppressions_are_read(path, text, bytes, "line 307196 is not leak:PATTERN"));
    text[bytes - 1] = '\0';
    assert_true(suppressions_are_read(path, text, bytes, "it has a null byte"));
    free(text);
    unlink(path);
}

static void mallopt_accepts_the_documented_ranges(void **state) {
    (void)state;
    static const struct {
        int parameter, value, accepted;
    } calls[] = {
        {M_MXFAST, 0, 1},
        {M_MXFAST, 160, 1},
        {M_MXFAST, 161, 0},
        {M_MXFAST, -1, 0},
        {M_MMAP_THRESHOLD, 0, 1},
        {M_MMAP_THRESHOLD, 32 << 20, 1},
        {M_MMAP_THRESHOLD, -1, 0},
        {M_MMAP_THRESHOLD, (32 << 20) + 1, 0},
        {M_TRIM_THRESHOLD, 0, 1},
        {M_TRIM_THRESHOLD, -1, 1},
        {M_TOP_PAD, 0, 1},
        {M_TOP_PAD, 1 << 20, 1},
        {M_MMAP_MAX, 0, 1},
        {M_MMAP_MAX, 65536, 1},
        {M_PERTURB, 0, 1},
        {M_PERTURB, 255, 1},
        {M_TOP_PAD, -1, 0},
        {M_MMAP_MAX, -1, 0},
        {M_PERTURB, 256, 1},
        {M_PERTURB, -1, 1},
        {M_ARENA_TEST, 1, 1},
        {M_ARENA_TEST, 0, 1}, /* 0: as it is by default */
        {M_ARENA_TEST, -1, 0},
        {M_ARENA_MAX, -1, 0},
        {M_ARENA_MAX, 1, 1},
        {M_ARENA_MAX, 0, 1},
        {M_CHECK_ACTION, 3, 1},
        {M_CHECK_ACTION, -1, 1},
        {-99, 0, 1},
        {0, 0, 1},
    };
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        int accepted = options_mallopt(calls[i].parameter, calls[i].value);
        if (accepted != calls[i].accepted)
            fail_msg("mallopt(%d, %d) is %d", calls[i].parameter, calls[i].value, accepted);
    }
}

static void mallopt_sets_what_it_accepts(void **state) {
    (void)state;
    options_mallopt(M_MXFAST, 64);
    options_mallopt(M_MXFAST, 161);
    assert_int_equal(settings.mxfast, 64);
    options_mallopt(M_MMAP_MAX, 3);
    assert_int_equal(settings.mmap_max, 3);
    options_mallopt(M_TOP_PAD, 12345);
    assert_int_equal(space.top_pad, 12345);
    options_mallopt(M_PERTURB, 1);
    assert_int_equal(settings.perturb, 1);
    options_mallopt(M_PERTURB, 0x1ff);
    assert_int_equal(settings.perturb, 0xff);
    options_mallopt(M_CHECK_ACTION, 13);
    assert_int_equal(settings.check_action, CHECK_REPORT | CHECK_SIMPLE);
}

static void what_mallopt_refuses_changes_nothing(void **state) {
    (void)state;
    static const int refused[][2] = {{M_MXFAST, -1},         {M_MXFAST, 161},
                                     {M_MMAP_THRESHOLD, -1}, {M_MMAP_THRESHOLD, (32 << 20) + 1},
                                     {M_TOP_PAD, -1},        {M_MMAP_MAX, -1},
                                     {M_ARENA_MAX, -1},      {M_ARENA_TEST, -1}};
    for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
        assert_int_equal(options_mallopt(refused[i][0], refused[i][1]), 0);
    assert_memory_equal(&settings, &defaults, sizeof(settings));
    assert_int_equal(space.top_pad, default_top_pad);
}

/* Not the cap of 128 that libc's default would be here, where larger sizes are served too. */
static void mxfast_caps_below_the_default_of_libc_alone(void **state) {
    (void)state;
    options_mallopt(M_MXFAST, 127);
    assert_int_equal(settings.mxfast, 127);
    options_mallopt(M_MXFAST, 128);
    assert_int_equal(settings.mxfast, SLOT_MAX);
}

static void the_threshold_follows_what_is_freed(void **state) {
    (void)state;
    settings_adapt_threshold(defaults.mmap_threshold - 1);
    assert_int_equal(settings.mmap_threshold, defaults.mmap_threshold);
    settings_adapt_threshold(defaults.mmap_threshold); /* the next of this size is no mapping */
    assert_true(settings.mmap_threshold > defaults.mmap_threshold);
    settings_adapt_threshold(MIB);
    assert_int_equal(settings.mmap_threshold, MIB + 1);
    settings_adapt_threshold(MIB / 2);
    assert_int_equal(settings.mmap_threshold, MIB + 1);
    settings_adapt_threshold(256 * MIB);
    assert_int_equal(settings.mmap_threshold, MIB + 1);
}

static void a_set_threshold_stays(void **state) {
    (void)state;
    assert_int_equal(options_mallopt(M_MMAP_THRESHOLD, 256 << 10), 1);
    settings_adapt_threshold(MIB);
    assert_int_equal(settings.mmap_threshold, 256 * KIB);
}

static void guarded_blocks_are_set(void **state) {
    (void)state;
    assert_string_equal(read_with("MALLOW_OPTIONS", "frames=7,quarantine=1m"), "");
    assert_int_equal(settings.frames, 7);
    assert_int_equal(settings.quarantine, MIB);
    assert_string_equal(read_with("MALLOW_OPTIONS", "frames=64,quarantine=9223372036854775807"),
                        "");
    assert_int_equal(settings.quarantine, PTRDIFF_MAX);
    assert_int_equal(settings.frames, 64);
    assert_string_equal(read_with("MALLOW_OPTIONS", "guard=5000,guard_align=left,guard_budget=2m"),
                        "");
    assert_int_equal(settings.guard, 5000);
    assert_int_equal(settings.guard_budget, 2 * MIB);
    assert_true(settings.guard_left);
    assert_string_equal(read_with("MALLOW_OPTIONS", "guard_align=right"), "");
    assert_false(settings.guard_left);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, NULL, restore_defaults)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_decimal_or_hexadecimal_with_a_factor),
        TEST(what_is_no_number_is_ignored),
        TEST(variables_set_what_glibc_documents),
        TEST(who_wants_to_hear_of_errors_has_them_found),
        TEST(a_tunable_supersedes_its_variable),
        TEST(tunables_have_the_ranges_that_libc_lists),
        TEST(what_has_no_meaning_here_changes_nothing),
        TEST(tunables_are_a_list_in_which_wrong_ones_are_passed_over),
        TEST(options_are_read_in_order),
        TEST(the_backend_is_known_before_all_others),
        TEST(the_summary_is_for_one_process),
        TEST(bad_options_are_named_and_ignored),
        TEST(what_is_out_of_the_range_is_named_too),
        TEST(a_file_that_cannot_be_used_is_named_with_the_reason),
        TEST(spaces_around_keys_and_values_are_passed_over),
        TEST(what_a_message_repeats_is_made_visible),
        TEST(suppressions_are_read_to_their_end),
        TEST(a_bad_option_does_not_stop_the_others),
        TEST(messages_go_to_the_log),
        TEST(mallopt_accepts_the_documented_ranges),
        TEST(mallopt_sets_what_it_accepts),
        TEST(what_mallopt_refuses_changes_nothing),
        TEST(mxfast_caps_below_the_default_of_libc_alone),
        TEST(the_threshold_follows_what_is_freed),
        TEST(a_set_threshold_stays),
        TEST(guarded_blocks_are_set),
    };
    return cmocka_run_group_tests(tests, remember_defaults, NULL);
}
