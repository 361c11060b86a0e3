/* Tests each entry of the table of options: it must be well formed, accept the values of its range,
 * refuse all others with the documented message, and change its target. */
#include "options_fixture.h"

#include <ctype.h>
#include <limits.h>

#include "report/log.h"

#define BYTES "a number of bytes, optionally followed by k, m or g"

static bool is_mallow(const struct option *option) { return option->source == OPTION_MALLOW; }

#define EACH_OPTION(option)                     \
    const struct option *option = option_table; \
    *option->key != '\0';                       \
    option++

/* ---- well formed ---- */

static void assert_text(const char *text, size_t size, const char *key) {
    if (*text == '\0' || memchr(text, '\0', size) == NULL) fail_msg("%s: a text is missing", key);
}

static void entries_are_well_formed(void **state) {
    (void)state;
    for (EACH_OPTION(option)) {
        assert_text(option->key, sizeof(option->key), option->key);
        assert_text(option->values, sizeof(option->values), option->key);
        assert_text(option->help, sizeof(option->help), option->key);
        assert_true(isupper((unsigned char)*option->help));
        assert_int_equal(option->help[strlen(option->help) - 1], '.');
        assert_int_equal(strspn(option->key, "abcdefghijklmnopqrstuvwxyz_"), strlen(option->key));
        assert_true(option->target + option->target_size <= sizeof(settings));
    }
}

static void no_name_occurs_twice(void **state) {
    (void)state;
    for (EACH_OPTION(option))
        for (const struct option *other = option_table; other < option; other++) {
            assert_true(other->source != option->source || strcmp(other->key, option->key) != 0);
            assert_true(*option->variable == '\0' ||
                        strcmp(other->variable, option->variable) != 0);
            assert_true(option->parameter == 0 || other->parameter != option->parameter);
        }
}

/* ---- values ---- */

static size_t target_of(const struct option *option) {
    size_t number = 0; /* all supported processors are little-endian */
    memcpy(&number, (const char *)&settings + option->target, option->target_size);
    return number;
}

/* Gives the target a value other than `number`; a flag gets the opposite. */
static void change_target(const struct option *option, size_t number) {
    size_t other = number ^ 1;
    memcpy((char *)&settings + option->target, &other, option->target_size);
}

static const char *read_option(const struct option *option, const char *value) {
    static char text[8192];
    snprintf(text, sizeof(text), "%s%s=%s", is_mallow(option) ? "" : "glibc.malloc.", option->key,
             value);
    return read_with(is_mallow(option) ? "MALLOW_OPTIONS" : "GLIBC_TUNABLES", text);
}

static void assert_is_set(const struct option *option, const char *value, size_t number) {
    if (option->target_size != 0 && target_of(option) != number)
        fail_msg("%s=%s: is %zu", option->key, value, target_of(option));
}

static void accepts(const struct option *option, const char *value, size_t number) {
    restore_defaults(NULL);
    change_target(option, number);
    const char *written = read_option(option, value);
    if (*written != '\0') fail_msg("%s=%s: %s", option->key, value, written);
    assert_is_set(option, value, number);
}

/* Expects the message `why`, or none if it is empty. */
static void refuses(const struct option *option, const char *value, const char *why) {
    char expected[512] = "";
    restore_defaults(NULL);
    if (*why != '\0')
        snprintf(expected, sizeof(expected),
                 "mallow: MALLOW_OPTIONS: bad value '%.100s' of '%s' is ignored: %s (see "
                 "mallow(7))\n",
                 value, option->key, why);
    assert_string_equal(read_option(option, value), expected);
    assert_memory_equal(&settings, &defaults, sizeof(settings));
    assert_int_equal(space.top_pad, default_top_pad);
}

static const char *text_of(size_t number) {
    static char text[32];
    snprintf(text, sizeof(text), "%zu", number);
    return text;
}

static void accepts_up_to(const struct option *option, size_t max) {
    accepts(option, "0", 0);
    accepts(option, "1", 1);
    accepts(option, text_of(max), max);
}

static void refuses_malformed_numbers(const struct option *option, const char *why) {
    static const char *const wrong[] = {"", "x", "1x", "1.5", "18446744073709551616"};
    for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) refuses(option, wrong[i], why);
    if (option->max < SIZE_MAX) refuses(option, text_of(option->max + 1), why);
}

static void try_numbers(const struct option *option, const char *why) {
    accepts_up_to(option, option->max);
    refuses_malformed_numbers(option, why);
    refuses(option, "-1", why);
}

static void try_amount(const struct option *option, const char *value, size_t bytes,
                       const char *why) {
    if (bytes <= option->max)
        accepts(option, value, bytes);
    else
        refuses(option, value, why);
}

static void try_amounts(const struct option *option, const char *why) {
    try_numbers(option, why);
    try_amount(option, "3k", 3 * KIB, why);
    try_amount(option, "0x3M", 3 * MIB, why);
    try_amount(option, "3g", 3 * GIB, why);
    refuses(option, "3t", why);
}

/* Each word of the list is accepted. The message about any other names them: "a, b or c". */
static void try_words(const struct option *option) {
    char why[128] = "", words[sizeof(option->values)];
    size_t count = 0;
    strcpy(words, option->values);
    for (char *word = strtok(words, "|"); word != NULL;) {
        char *next = strtok(NULL, "|");
        if (count > 0) strcat(why, next == NULL ? " or " : ", ");
        strcat(why, word);
        accepts(option, word, count++);
        word = next;
    }
    refuses(option, "", why);
    refuses(option, "x", why);
    refuses(option, option->values, why);
    words[strlen(words) - 1] = '\0';
    refuses(option, words, why); /* the first word without its end */
}

/* An empty file serves as a log and as a list of suppressions. */
static void try_paths(const struct option *option) {
    char path[] = "/tmp/mallow-unit-XXXXXX", long_path[4097];
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    accepts(option, path, 0);
    log_use(STDERR_FILENO);
    unlink(path);
    memset(long_path, 'a', sizeof(long_path) - 1);
    long_path[sizeof(long_path) - 1] = '\0';
    refuses(option, "", "no path is given");
    refuses(option, long_path, "the path is too long");
}

static void options_accept_only_their_range(void **state) {
    (void)state;
    char range[64];
    for (EACH_OPTION(option)) {
        if (!is_mallow(option)) continue;
        switch ((enum option_kind)option->kind) {
        case OPTION_CHOICE:
            try_words(option);
            break;
        case OPTION_NUMBER:
        case OPTION_DIGIT:
            snprintf(range, sizeof(range), "0 to %zu", option->max);
            try_numbers(option, range);
            break;
        case OPTION_ONE_IN:
            try_numbers(option, "a number, 0 for none");
            break;
        case OPTION_PROCESS:
            try_numbers(option, "a number");
            break;
        case OPTION_AMOUNT:
            try_amounts(option, BYTES);
            break;
        case OPTION_AUTO_OR_AMOUNT:
            try_amounts(option, "auto or " BYTES);
            accepts(option, "auto", SIZE_MAX);
            break;
        case OPTION_FILE:
        case OPTION_FILE_PATTERN:
            try_paths(option);
            break;
        }
    }
}

/* ---- the names of libc ---- */

static void tunables_accept_only_their_range(void **state) {
    (void)state;
    for (EACH_OPTION(option)) {
        if (is_mallow(option)) continue;
        accepts_up_to(option, option->max);
        refuses_malformed_numbers(option, "");
    }
}

static void set_variable(const struct option *option, const char *value, size_t number) {
    restore_defaults(NULL);
    change_target(option, number);
    assert_string_equal(read_with(option->variable, value), "");
    assert_is_set(option, value, number);
}

static void variables_set_the_same_targets(void **state) {
    (void)state;
    for (EACH_OPTION(option)) {
        if (*option->variable == '\0') continue;
        set_variable(option, "0", 0);
        if (option->kind == OPTION_DIGIT)
            set_variable(option, "7 and more", 7 & option->mallopt_bits);
        else
            set_variable(option, text_of(option->max), option->max);
        restore_defaults(NULL);
        read_with(option->variable, "x");
        assert_memory_equal(&settings, &defaults, sizeof(settings));
    }
}

static void try_mallopt(const struct option *option, int value, size_t number) {
    restore_defaults(NULL);
    change_target(option, number);
    assert_int_equal(options_mallopt(option->parameter, value), 1);
    assert_is_set(option, "mallopt", number);
}

static void mallopt_sets_the_same_targets(void **state) {
    (void)state;
    for (EACH_OPTION(option)) {
        if (option->parameter == 0) continue;
        try_mallopt(option, 1, 1);
        if (option->mallopt_bits != 0) {
            try_mallopt(option, -1, (size_t)option->mallopt_bits);
            continue;
        }
        restore_defaults(NULL);
        assert_int_equal(options_mallopt(option->parameter, -1), 0);
        if (option->max < INT_MAX)
            assert_int_equal(options_mallopt(option->parameter, (int)option->max + 1), 0);
        assert_memory_equal(&settings, &defaults, sizeof(settings));
    }
}

/* ---- effects ---- */

static void options_turn_modes_on_and_off(void **state) {
    (void)state;
    static const struct {
        const char *variable, *value;
        unsigned modes;
    } cases[] = {
        {"MALLOW_OPTIONS", "zero_on_free=on", MODE_ZERO},
        {"MALLOW_OPTIONS", "zero_on_free=on,zero_on_free=off", 0},
        {"MALLOW_OPTIONS", "guard=1", MODE_GUARD},
        {"MALLOW_OPTIONS", "guard=32", MODE_GUARD},
        {"MALLOW_OPTIONS", "guard=32,guard=0", 0},
        {"MALLOW_OPTIONS", "stats=exit", MODE_COUNT},
        {"MALLOW_OPTIONS", "stats=exit,stats=off", 0},
        {"MALLOW_OPTIONS", "check=hard", MODE_HARD},
        {"MALLOW_OPTIONS", "check=full", MODE_FULL},
        {"GLIBC_TUNABLES", "glibc.malloc.perturb=1", MODE_FILL},
        {"GLIBC_TUNABLES", "glibc.malloc.perturb=1:glibc.malloc.perturb=0", 0},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        restore_defaults(NULL);
        assert_string_equal(read_with(cases[i].variable, cases[i].value), "");
        if (settings.modes != cases[i].modes) fail_msg("%s: %#x", cases[i].value, settings.modes);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(entries_are_well_formed),         TEST(no_name_occurs_twice),
        TEST(options_accept_only_their_range), TEST(tunables_accept_only_their_range),
        TEST(variables_set_the_same_targets),  TEST(mallopt_sets_the_same_targets),
        TEST(options_turn_modes_on_and_off),
    };
    return cmocka_run_group_tests(tests, remember_defaults, NULL);
}
