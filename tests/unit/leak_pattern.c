/* Lines of a suppression file are parsed, and their patterns match names, as in LeakSanitizer. */
#include "unit.h"

#include <string.h>

#include "leak/leak_pattern.h"

static const struct {
    const char *pattern, *text;
    int matches;
} cases[] = {
    {"main", "main", 1},
    {"main", "domain", 1},
    {"main", "mai", 0},
    {"main", "", 0},
    {"^main", "main_loop", 1},
    {"^main", "domain", 0},
    {"main$", "domain", 1},
    {"main$", "main_loop", 0},
    {"main$", "main main", 1},
    {"^main$", "main", 1},
    {"^main$", "mainmain", 0},
    {"lib*.so", "/usr/lib/libc.so.6", 1},
    {"lib*.so$", "/usr/lib/libc.so.6", 0},
    {"lib*.so*6$", "/usr/lib/libc.so.6", 1},
    {"^/usr*libc", "/usr/lib/libc.so.6", 1},
    {"^usr*libc", "/usr/lib/libc.so.6", 0},
    {"a*b*c", "a1b2c3", 1},
    {"a*b*c", "a1c2b3", 0},
    {"a*a", "a", 0},
    {"*", "", 1},
    {"*", "anything", 1},
    {"**x", "yx", 1},
    {"^*x$", "yx", 1},
    {"^", "x", 1},
    {"^$", "", 1},
    {"^$", "x", 0},
    {"", "x", 1},
    {"ab$", "aab", 1},
    {"a*ab$", "ab", 0},
};

static void patterns_match(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const char *pattern = cases[i].pattern, *text = cases[i].text;
        bool matches = leak_pattern_matches(pattern, strlen(pattern), text, strlen(text));
        if (matches != (bool)cases[i].matches) fail_msg("'%s' and '%s'", pattern, text);
    }
}

/* Neither string is ended by a NUL, because both are parts of larger texts. */
static void texts_have_lengths(void **state) {
    (void)state;
    assert_true(leak_pattern_matches("mainXX", 4, "mainYY", 4));
    assert_false(leak_pattern_matches("mainXX", 6, "mainXXX", 5));
    assert_true(leak_pattern_matches("in$XX", 3, "mainYY", 4));
}

static void expect_line(const char *line, const char *expected, bool wrong) {
    size_t length;
    const char *pattern = leak_pattern_of_line(line, strlen(line), &length);
    if (expected != NULL) {
        assert_non_null(pattern);
        assert_int_equal(length, strlen(expected));
        assert_memory_equal(pattern, expected, length);
    } else {
        assert_null(pattern);
        assert_int_equal(length != 0, wrong);
    }
}

static void lines_are_recognized(void **state) {
    (void)state;
    expect_line("leak:main", "main", false);
    expect_line("  leak:a b\t ", "a b", false);
    expect_line("leak:x\r", "x", false);
    expect_line("leak:*", "*", false);
    expect_line("", NULL, false);
    expect_line("  \t", NULL, false);
    expect_line("# leak:main", NULL, false);
    expect_line("leak:", NULL, true);
    expect_line("leak", NULL, true);
    expect_line("race:main", NULL, true);
    expect_line("main", NULL, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(patterns_match),
        cmocka_unit_test(texts_have_lengths),
        cmocka_unit_test(lines_are_recognized),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
