/* MALLOW_OPTIONS changes the settings that it names, and everything else in it is refused. */
#include "options_fixture.h"

#include <fcntl.h>
#include <malloc.h>

#include "heap/mode.h"
#include "process/option_given.h"
#include "report/log.h"

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
    assert_true((settings.modes & MODE_COUNT) != 0);
    assert_int_equal(mode_sees, MODE_SEES_COUNTED);
}

static bool backend_with(const char *options) {
    setenv("MALLOW_OPTIONS", options, 1);
    return options_backend_is_break();
}

/* The backend is parsed like any other key, but no other key is read with it. */
static void the_backend_is_read_on_its_own(void **state) {
    (void)state;
    assert_true(backend_with("backend=brk"));
    assert_true(backend_with("stats=exit,backend=reserve,backend=brk,colour=red"));
    assert_true(backend_with("backend=brk,backend=mmap"));
    assert_false(backend_with("backend=brk,backend=reserve"));
    assert_memory_equal(&settings, &defaults, sizeof(settings));
    assert_string_equal(read_with("MALLOW_OPTIONS", "backend=brk"), "");
}

static char given[200];

static void add_given(void *to, const char *key, const char *value) {
    (void)to;
    strcat(strcat(strcat(strcat(given, key), "="), value), " ");
}

/* Other tests of this process have given other settings. */
static void assert_given(const char *wanted) {
    *given = '\0';
    option_given_each(add_given, NULL);
    if (strstr(given, wanted) == NULL) fail_msg("\"%s\" lacks \"%s\"", given, wanted);
}

static void values_that_were_given_are_known(void **state) {
    (void)state;
    read_with("MALLOW_OPTIONS",
              "check=full,frames=7,retain=3m,stats_page=/a,stats_page=/b,frames=x");
    assert_given("check=full ");
    assert_given("frames=7 ");
    assert_given("retain=3145728 ");
    assert_given("stats_page=/b ");
    read_with("MALLOW_OPTIONS", "check=hard,retain=auto,log=/nowhere/log");
    assert_given("check=hard ");
    assert_given("retain=auto ");
    assert_null(strstr(given, "nowhere")); /* it was refused */
    options_mallopt(M_TOP_PAD, 4096);
    assert_given("glibc.malloc.top_pad=4096 ");
    size_t count = 0;
    while (*option_table[count].key != '\0') count++;
    assert_true(count <= OPTION_GIVEN_MAX);
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
    assert_false((settings.modes & MODE_COUNT) != 0);
    assert_int_equal(mode_sees, MODE_SEES_REST);
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

#define BYTES "a number of bytes, optionally followed by k, m or g"

static void bad_options_are_reported_and_ignored(void **state) {
    (void)state;
    assert_unknown("colour=red", "colour");
    assert_unknown("Retain=1", "Retain");
    assert_unknown("=1", "");
    assert_unknown("re tain=1", "re tain");
    assert_bad("retain=lots", "lots", "retain", "auto or " BYTES);
    assert_bad("retain=", "", "retain", "auto or " BYTES);
    assert_bad("retain", "", "retain", "auto or " BYTES);
    assert_bad("backend=mmap", "mmap", "backend", "reserve or brk");
    assert_bad("check=some", "some", "check", "free, hard, full, seal or off");
    assert_bad("on_error=ignore", "ignore", "on_error", "abort or report");
    assert_bad("mismatched_free=abort", "abort", "mismatched_free", "report or ignore");
    assert_bad("stats=on", "on", "stats", "off or exit");
    assert_bad("stats_format=xml", "xml", "stats_format", "text or json");
    assert_bad("control=yes", "yes", "control", "off or on");
    assert_bad("guard_align=up", "up", "guard_align", "right or left");
    assert_bad("quarantine=1t", "1t", "quarantine", BYTES);
}

static void values_out_of_range_are_reported(void **state) {
    (void)state;
    assert_bad("frames=65", "65", "frames", "0 to 64");
    assert_bad("frames=-1", "-1", "frames", "0 to 64");
    assert_bad("leak_status=256", "256", "leak_status", "0 to 255");
    assert_bad("quarantine=9223372036854775808", "9223372036854775808", "quarantine", BYTES);
    assert_bad("stats_pid=2147483648", "2147483648", "stats_pid", "a number");
}

static void unusable_files_are_reported_with_the_reason(void **state) {
    (void)state;
    assert_bad("log=", "", "log", "no path is given");
    assert_bad("log=/absent/file", "/absent/file", "log", "no such file or directory");
    assert_bad("log=/tmp", "/tmp", "log", "it is a directory");
    assert_bad("log=/dev/null/file", "/dev/null/file", "log",
               "a part of the path is not a directory");
    assert_bad("leak_suppressions=/absent", "/absent", "leak_suppressions", "it cannot be read");
    assert_bad("symbolizer=", "", "symbolizer", "no path is given");
}

static void spaces_around_keys_and_values_are_ignored(void **state) {
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

/* A value can neither add a second line nor control the terminal. */
static void messages_show_unprintable_bytes_as_question_marks(void **state) {
    (void)state;
    assert_unknown("a\nb\033[2Jc\177\302\233=1", "a?b?[2Jc???");
    assert_bad("check=x\r\ny", "x??y", "check", "free, hard, full, seal or off");
}

static void a_bad_option_does_not_stop_the_others(void **state) {
    (void)state;
    read_with("MALLOW_OPTIONS", "colour=red,on_error=report,retain=x,stats=exit");
    assert_int_equal(settings.check_action, CHECK_REPORT);
    assert_true(settings.summary);
}

static char directory[] = "/tmp/mallow-unit-XXXXXX";

/* Returns the text of the log, and removes its file. */
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

/* The file is longer than 256 KiB. */
static void suppressions_are_read_to_their_end(void **state) {
    (void)state;
    const size_t bytes = 300 * KIB;
    char path[] = "/tmp/mallow-unit-XXXXXX", *text = malloc(bytes);
    assert_non_null(text);
    close(mkstemp(path));
    memset(text, '\n', bytes);
    assert_true(suppressions_are_read(path, text, bytes, ""));
    memcpy(text + bytes - 5, "leak\n", 5);
    assert_true(
        suppressions_are_read(path, text, bytes, "line 307196 is not of the form leak:PATTERN"));
    text[bytes - 1] = '\0';
    assert_true(suppressions_are_read(path, text, bytes, "it contains a null byte"));
    free(text);
    unlink(path);
}

static void sizes_and_numbers_are_set(void **state) {
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

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(options_are_read_in_order),
        TEST(the_backend_is_read_on_its_own),
        TEST(values_that_were_given_are_known),
        TEST(the_summary_is_for_one_process),
        TEST(bad_options_are_reported_and_ignored),
        TEST(values_out_of_range_are_reported),
        TEST(unusable_files_are_reported_with_the_reason),
        TEST(spaces_around_keys_and_values_are_ignored),
        TEST(messages_show_unprintable_bytes_as_question_marks),
        TEST(a_bad_option_does_not_stop_the_others),
        TEST(messages_go_to_the_log),
        TEST(suppressions_are_read_to_their_end),
        TEST(sizes_and_numbers_are_set),
    };
    return cmocka_run_group_tests(tests, remember_defaults, NULL);
}
