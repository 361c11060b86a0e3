/*
 * The functions that exist for strings of both char and wchar_t. A file that includes this defines
 *     CHAR                  the type of a character
 *     STR(x), STP(x)        the name of a function: strx and stpx, or wcsx and wcpx
 *     MEMCHR                the function that searches memory for a character
 *     CHAR_ARGUMENT         the type in which a character is passed
 */

#define STR_CHK(x) CHK(STR(x))
#define STP_CHK(x) CHK(STP(x))

static size_t bytes_of(size_t characters) { return array_bytes(characters, sizeof(CHAR)); }

/* Returns the number of characters from s to the end of its block, or SIZE_MAX. */
static size_t limit_in_characters(const CHAR *s) {
    size_t limit = limit_of(s);
    return limit == SIZE_MAX ? SIZE_MAX : limit / sizeof(CHAR);
}

/* ---- reading strings ---- */

/* Returns the length of the string, but at most `max`. This is the number of characters that the
 * function will read. Reports a string that has no end in its block, and returns the number of
 * characters in the block. */
static size_t read_string(struct site site, const CHAR *s, size_t max) {
    size_t limit = limit_in_characters(s), length;
    if (limit == SIZE_MAX && max == SIZE_MAX) return REAL(STR(len))(s);
    length = REAL(STR(nlen))(s, min_size(limit, max));
    if (length == limit && limit < max) check_fail(site, MALLOW_STRING, s, 0);
    return length;
}

/* Like read_string(), for functions that do not need the length. */
static void check_string(struct site site, const CHAR *s) {
    if (limit_for(site, s) != SIZE_MAX) read_string(site, s, SIZE_MAX);
}

static void check_strings(struct site site, const CHAR *a, const CHAR *b) {
    check_string(site, a);
    check_string(site, b);
}

/* Returns true if the block ends before the string does, and stores the number of characters in the
 * block. For functions that may stop before the end of the string. */
static bool is_unterminated(const CHAR *s, size_t *limit) {
    *limit = limit_in_characters(s);
    return *limit != SIZE_MAX && REAL(STR(nlen))(s, *limit) == *limit;
}

/* Checks a search for c, which ends at the first one. */
static void check_search(struct site site, const CHAR *s, CHAR c) {
    size_t limit;
    if (is_unterminated(s, &limit) && REAL(MEMCHR)(s, c, limit) == NULL)
        check_fail(site, MALLOW_STRING, s, 0);
}

/* Checks a search for the first character that is in the set or, if `in_set` is false, is not. */
static void check_span(struct site site, const CHAR *s, const CHAR *set, bool in_set) {
    size_t limit;
    check_string(site, set);
    if (!is_unterminated(s, &limit)) return;
    for (size_t i = 0; i < limit; i++)
        if ((REAL(STR(chr))(set, s[i]) != NULL) == in_set) return;
    check_fail(site, MALLOW_STRING, s, 0);
}

typedef int (*comparison)(const CHAR *, const CHAR *, size_t);

/* Checks a comparison, which ends at the first difference. */
static void check_comparison(struct site site, const CHAR *a, const CHAR *b, size_t max,
                             comparison compare) {
    size_t limit_a = limit_in_characters(a), limit_b = limit_in_characters(b);
    size_t limit = min_size(limit_a, limit_b);
    if (limit >= max || limit == SIZE_MAX || compare(a, b, limit) != 0) return;
    if (REAL(STR(nlen))(a, limit) == limit)
        check_fail(site, MALLOW_STRING, limit == limit_a ? a : b, 0);
}

EXPORT size_t STR(len)(const CHAR *s) { return read_string(HERE, s, SIZE_MAX); }

EXPORT size_t STR(nlen)(const CHAR *s, size_t max) { return read_string(HERE, s, max); }

CHECKED(CHAR *, STR(dup), (const CHAR *s), (s), check_string(HERE, s))

CHECKED(int, STR(cmp), (const CHAR *a, const CHAR *b), (a, b),
        check_comparison(HERE, a, b, SIZE_MAX, REAL(STR(ncmp))))

CHECKED(int, STR(ncmp), (const CHAR *a, const CHAR *b, size_t max), (a, b, max),
        check_comparison(HERE, a, b, max, REAL(STR(ncmp))))

CHECKED(int, STR(casecmp), (const CHAR *a, const CHAR *b), (a, b),
        check_comparison(HERE, a, b, SIZE_MAX, REAL(STR(ncasecmp))))

CHECKED(int, STR(ncasecmp), (const CHAR *a, const CHAR *b, size_t max), (a, b, max),
        check_comparison(HERE, a, b, max, REAL(STR(ncasecmp))))

/* The locale decides which characters differ, so both strings must be terminated. */
CHECKED(int, STR(casecmp_l), (const CHAR *a, const CHAR *b, locale_t locale), (a, b, locale),
        check_strings(HERE, a, b))

EXPORT int STR(ncasecmp_l)(const CHAR *a, const CHAR *b, size_t max, locale_t locale) {
    read_string(HERE, a, max);
    read_string(HERE, b, max);
    return REAL(STR(ncasecmp_l))(a, b, max, locale);
}

CHECKED(int, STR(coll), (const CHAR *a, const CHAR *b), (a, b), check_strings(HERE, a, b))

CHECKED(int, STR(coll_l), (const CHAR *a, const CHAR *b, locale_t locale), (a, b, locale),
        check_strings(HERE, a, b))

CHECKED(CHAR *, STR(rchr), (const CHAR *s, CHAR_ARGUMENT c), (s, c), check_string(HERE, s))

CHECKED(CHAR *, STR(chr), (const CHAR *s, CHAR_ARGUMENT c), (s, c), check_search(HERE, s, (CHAR)c))

CHECKED(CHAR *, STR(chrnul), (const CHAR *s, CHAR_ARGUMENT c), (s, c),
        check_search(HERE, s, (CHAR)c))

CHECKED(CHAR *, STR(str), (const CHAR *s, const CHAR *needle), (s, needle),
        check_strings(HERE, s, needle))

CHECKED(size_t, STR(spn), (const CHAR *s, const CHAR *set), (s, set),
        check_span(HERE, s, set, false))

CHECKED(size_t, STR(cspn), (const CHAR *s, const CHAR *set), (s, set),
        check_span(HERE, s, set, true))

CHECKED(CHAR *, STR(pbrk), (const CHAR *s, const CHAR *set), (s, set),
        check_span(HERE, s, set, true))

/* ---- writing strings ---- */

static void check_copied(struct site site, CHAR *to, const CHAR *from) {
    size_t bytes = bytes_of(read_string(site, from, SIZE_MAX) + 1);
    check_write(site, to, bytes);
    check_overlap(site, to, from, bytes);
}

/* The function writes all `size` characters: it fills the rest with zeros. */
static void check_filled(struct site site, CHAR *to, const CHAR *from, size_t size) {
    size_t length = read_string(site, from, size);
    check_write(site, to, bytes_of(size));
    check_overlap(site, to, from, bytes_of(min_size(length + 1, size)));
}

static void check_appended(struct site site, CHAR *to, const CHAR *from, size_t max) {
    CHAR *end = to + read_string(site, to, SIZE_MAX);
    size_t bytes = bytes_of(read_string(site, from, max) + 1);
    check_write(site, end, bytes);
    check_overlap(site, end, from, bytes);
}

/* The function writes `needed` characters, but not more than `size`. */
static void check_bounded(struct site site, CHAR *to, size_t needed, size_t size) {
    check_write(site, to, bytes_of(min_size(needed, size)));
}

CHECKED(CHAR *, STR(cpy), (CHAR * to, const CHAR *from), (to, from), check_copied(HERE, to, from))

CHECKED(CHAR *, STR_CHK(cpy), (CHAR * to, const CHAR *from, size_t objsize), (to, from, objsize),
        check_copied(HERE, to, from))

CHECKED(CHAR *, STP(cpy), (CHAR * to, const CHAR *from), (to, from), check_copied(HERE, to, from))

CHECKED(CHAR *, STP_CHK(cpy), (CHAR * to, const CHAR *from, size_t objsize), (to, from, objsize),
        check_copied(HERE, to, from))

CHECKED(CHAR *, STR(ncpy), (CHAR * to, const CHAR *from, size_t n), (to, from, n),
        check_filled(HERE, to, from, n))

CHECKED(CHAR *, STR_CHK(ncpy), (CHAR * to, const CHAR *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_filled(HERE, to, from, n))

CHECKED(CHAR *, STP(ncpy), (CHAR * to, const CHAR *from, size_t n), (to, from, n),
        check_filled(HERE, to, from, n))

CHECKED(CHAR *, STP_CHK(ncpy), (CHAR * to, const CHAR *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_filled(HERE, to, from, n))

CHECKED(CHAR *, STR(cat), (CHAR * to, const CHAR *from), (to, from),
        check_appended(HERE, to, from, SIZE_MAX))

CHECKED(CHAR *, STR_CHK(cat), (CHAR * to, const CHAR *from, size_t objsize), (to, from, objsize),
        check_appended(HERE, to, from, SIZE_MAX))

CHECKED(CHAR *, STR(ncat), (CHAR * to, const CHAR *from, size_t n), (to, from, n),
        check_appended(HERE, to, from, n))

CHECKED(CHAR *, STR_CHK(ncat), (CHAR * to, const CHAR *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_appended(HERE, to, from, n))

EXPORT size_t STR(xfrm)(CHAR *to, const CHAR *from, size_t size) {
    check_string(HERE, from);
    if (size > limit_in_characters(to))
        check_bounded(HERE, to, REAL(STR(xfrm))(NULL, from, 0) + 1, size);
    return REAL(STR(xfrm))(to, from, size);
}

EXPORT size_t STR(xfrm_l)(CHAR *to, const CHAR *from, size_t size, locale_t locale) {
    check_string(HERE, from);
    if (size > limit_in_characters(to))
        check_bounded(HERE, to, REAL(STR(xfrm_l))(NULL, from, 0, locale) + 1, size);
    return REAL(STR(xfrm_l))(to, from, size, locale);
}

#ifdef MALLOW_HAVE_STRLCPY

static void check_lcpy(struct site site, CHAR *to, const CHAR *from, size_t size) {
    size_t bytes = bytes_of(min_size(read_string(site, from, SIZE_MAX) + 1, size));
    check_write(site, to, bytes);
    check_overlap(site, to, from, bytes);
}

static void check_lcat(struct site site, CHAR *to, const CHAR *from, size_t size) {
    size_t before = read_string(site, to, size);
    size_t bytes = bytes_of(min_size(read_string(site, from, SIZE_MAX) + 1, size - before));
    check_write(site, to + before, bytes);
    check_overlap(site, to + before, from, bytes);
}

CHECKED(size_t, STR(lcpy), (CHAR * to, const CHAR *from, size_t size), (to, from, size),
        check_lcpy(HERE, to, from, size))

CHECKED(size_t, STR_CHK(lcpy), (CHAR * to, const CHAR *from, size_t size, size_t objsize),
        (to, from, size, objsize), check_lcpy(HERE, to, from, size))

CHECKED(size_t, STR(lcat), (CHAR * to, const CHAR *from, size_t size), (to, from, size),
        check_lcat(HERE, to, from, size))

CHECKED(size_t, STR_CHK(lcat), (CHAR * to, const CHAR *from, size_t size, size_t objsize),
        (to, from, size, objsize), check_lcat(HERE, to, from, size))

#endif
