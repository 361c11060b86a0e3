/* The settings of the GNU C library: its variables, its tunables and mallopt. */
#include "options_fixture.h"

#include <limits.h>
#include <malloc.h>

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

static void malformed_numbers_are_ignored(void **state) {
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

static void levels_that_report_or_abort_turn_checks_on(void **state) {
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

static void a_tunable_overrides_its_variable(void **state) {
    (void)state;
    setenv("GLIBC_TUNABLES", "glibc.malloc.mmap_max=5", 1);
    read_with("MALLOC_MMAP_MAX_", "7");
    assert_int_equal(settings.mmap_max, 5);
}

/* Tries the smallest and the largest value that are accepted, and one that is not. */
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

static void settings_without_meaning_change_nothing(void **state) {
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

static void wrong_tunables_in_a_list_are_ignored(void **state) {
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
        {M_ARENA_TEST, 0, 1}, /* 0 is the default */
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

static void refused_values_change_nothing(void **state) {
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

/* Magazines serve larger sizes than libc's fast bins, so its default of 128 must not cap them. */
static void mxfast_caps_only_below_the_default_of_libc(void **state) {
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
    settings_adapt_threshold(
        defaults.mmap_threshold); /* the next block of this size gets no mapping */
    assert_true(settings.mmap_threshold > defaults.mmap_threshold);
    settings_adapt_threshold(MIB);
    assert_int_equal(settings.mmap_threshold, 2 * MIB);
    settings_adapt_threshold(MIB / 2);
    assert_int_equal(settings.mmap_threshold, 2 * MIB);
    settings_adapt_threshold(5 * MIB);
    assert_int_equal(settings.mmap_threshold, 8 * MIB);
    settings_adapt_threshold(64 * MIB + 1);
    assert_int_equal(settings.mmap_threshold, 8 * MIB);
    settings_adapt_threshold(64 * MIB);
    assert_int_equal(settings.mmap_threshold, 64 * MIB + 1);
}

static void a_set_threshold_stays(void **state) {
    (void)state;
    assert_int_equal(options_mallopt(M_MMAP_THRESHOLD, 256 << 10), 1);
    settings_adapt_threshold(MIB);
    assert_int_equal(settings.mmap_threshold, 256 * KIB);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(numbers_are_decimal_or_hexadecimal_with_a_factor),
        TEST(malformed_numbers_are_ignored),
        TEST(variables_set_what_glibc_documents),
        TEST(levels_that_report_or_abort_turn_checks_on),
        TEST(a_tunable_overrides_its_variable),
        TEST(tunables_have_the_ranges_that_libc_lists),
        TEST(settings_without_meaning_change_nothing),
        TEST(wrong_tunables_in_a_list_are_ignored),
        TEST(mallopt_accepts_the_documented_ranges),
        TEST(mallopt_sets_what_it_accepts),
        TEST(refused_values_change_nothing),
        TEST(mxfast_caps_only_below_the_default_of_libc),
        TEST(the_threshold_follows_what_is_freed),
        TEST(a_set_threshold_stays),
    };
    return cmocka_run_group_tests(tests, remember_defaults, NULL);
}
