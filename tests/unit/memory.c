/* The library's own memory and string functions have the same results as those of libc. */
#include "unit.h"

#include <stdlib.h>
#include <string.h>

#define memcpy own_memcpy
#define memmove own_memmove
#define memset own_memset
#define memcmp own_memcmp
#define memchr own_memchr
#define strlen own_strlen
#define strchr own_strchr
#define strcmp own_strcmp
#define strncmp own_strncmp
#define strcpy own_strcpy
#define strcspn own_strcspn
#define strstr own_strstr
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
#include "base/memory.c"
#undef memcpy
#undef memmove
#undef memset
#undef memcmp
#undef memchr
#undef strlen
#undef strchr
#undef strcmp
#undef strncmp
#undef strcpy
#undef strcspn
#undef strstr

enum { ROOM = 8192, MIDDLE = 2500 };

static unsigned char own[ROOM], libc[ROOM], pattern[ROOM];

static int sign(int x) { return (x > 0) - (x < 0); }

/* Tries more lengths near the bounds at which the functions change their method. */
static size_t next_length(size_t n) {
    return n < 300 ? n + 1 : n < 960 ? n + 37 : n < 1300 ? n + 7 : n + 501;
}

static void reset_buffers(void) {
    memcpy(own, pattern, ROOM);
    memcpy(libc, pattern, ROOM);
}

static void copies_agree_with_libc(void **state) {
    (void)state;
    for (size_t n = 0; n < MIDDLE; n = next_length(n))
        for (size_t at = 0; at < 70; at += 3) {
            reset_buffers();
            own_memcpy(own + at, own + 4096 + at / 2, n);
            memcpy(libc + at, libc + 4096 + at / 2, n);
            assert_memory_equal(own, libc, ROOM);
        }
}

static void moves_may_overlap(void **state) {
    (void)state;
    for (size_t n = 0; n < MIDDLE; n = next_length(n))
        for (size_t to = MIDDLE - 1200; to < MIDDLE + 1300; to += 1 + to % 97) {
            reset_buffers();
            own_memmove(own + to, own + MIDDLE, n);
            memmove(libc + to, libc + MIDDLE, n);
            assert_memory_equal(own, libc, ROOM);
        }
}

static void fills_agree_with_libc(void **state) {
    (void)state;
    for (size_t n = 0; n < MIDDLE; n = next_length(n))
        for (size_t at = 1; at < 70; at += 3) {
            reset_buffers();
            own_memset(own + at, (int)n, n);
            memset(libc + at, (int)n, n);
            assert_memory_equal(own, libc, ROOM);
        }
}

static void comparisons_agree_with_libc(void **state) {
    (void)state;
    for (size_t n = 0; n < 200; n++)
        for (size_t at = 0; at <= n; at++) {
            reset_buffers();
            own[at] = (unsigned char)(own[at] + 128);
            assert_int_equal(sign(own_memcmp(own, libc, n)), sign(memcmp(own, libc, n)));
        }
    assert_ptr_equal(own_memchr(own, own[77], 200), memchr(own, own[77], 200));
    assert_null(own_memchr("abc", 'd', 3));
}

static void strings_agree_with_libc(void **state) {
    (void)state;
    static const char *const texts[] = {"", "a", "ab", "abab", "b", "=ab", "\xff", "ab\n"};
    enum { TEXTS = sizeof texts / sizeof *texts };
    for (int i = 0; i < TEXTS; i++)
        for (int j = 0; j < TEXTS; j++) {
            const char *a = texts[i], *b = texts[j];
            assert_int_equal(sign(own_strcmp(a, b)), sign(strcmp(a, b)));
            for (size_t n = 0; n < 4; n++)
                assert_int_equal(sign(own_strncmp(a, b, n)), sign(strncmp(a, b, n)));
            assert_int_equal(own_strcspn(a, b), strcspn(a, b));
            assert_ptr_equal(own_strstr(a, b), strstr(a, b));
            assert_ptr_equal(own_strchr(a, b[0]), strchr(a, b[0]));
            assert_int_equal(own_strlen(a), strlen(a));
            assert_string_equal(own_strcpy((char *)own, a), a);
        }
}

int main(void) {
    for (size_t i = 0; i < ROOM; i++) pattern[i] = (unsigned char)(i * 7 + i / 251);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_agree_with_libc),  cmocka_unit_test(moves_may_overlap),
        cmocka_unit_test(fills_agree_with_libc),   cmocka_unit_test(comparisons_agree_with_libc),
        cmocka_unit_test(strings_agree_with_libc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
