/*
 * Each function of libmallow-check.so accepts a call that just fits and reports one that is wrong
 * by one byte or character: see cases.h.
 *     bounds good          makes the correct calls, and prints their results
 *     bounds bad [NAME]    makes the wrong calls, each in a child that must abort with the expected
 *                          report
 *     bounds list          prints the names of the functions
 */
#include <fcntl.h>
#include <locale.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "check.h"
#include "reported.h"
#include "undeclared.h"

static size_t bad;

/* A heap block of 64 bytes, and memory outside the heap that is large enough for every call. */
static char *block, outside[800], room[800];
static wchar_t *wide_block, wide_outside[200], wide_room[200];

static const char alphabet[] = "abcdefghijklmnopqrstuvwxyz";
static locale_t locale;
static mbstate_t state;
static const struct tm date = {.tm_year = 100, .tm_mday = 1};
static char *rest, *text_start;
static wchar_t *wide_rest;

static char *fill(char *to, size_t length) {
    for (size_t i = 0; i < length; i++) to[i] = alphabet[i % 26];
    return to;
}

static wchar_t *fill_wide(wchar_t *to, size_t length) {
    for (size_t i = 0; i < length; i++) to[i] = (wchar_t)alphabet[i % 26];
    return to;
}

/* ---- strings of LENGTH characters; one that fills the block has no NUL ---- */

static char *text(size_t length) {
    if (length < 64) block[length] = '\0';
    return fill(block, length);
}

static char **text_at(size_t length) {
    text_start = text(length);
    return &text_start;
}

static char *letters(size_t length) {
    outside[length] = '\0';
    return fill(outside, length);
}

static const char **letters_at(size_t length) {
    static const char *start;
    start = letters(length);
    return &start;
}

static char *in_room(size_t length) {
    room[length] = '\0';
    return fill(room, length);
}

static wchar_t *wide_text(size_t length) {
    if (length < 16) wide_block[length] = 0;
    return fill_wide(wide_block, length);
}

static wchar_t *wide_letters(size_t length) {
    wide_outside[length] = 0;
    return fill_wide(wide_outside, length);
}

static const wchar_t **wide_letters_at(size_t length) {
    static const wchar_t *start;
    start = wide_letters(length);
    return &start;
}

static const wchar_t **wide_text_at(size_t length) {
    static const wchar_t *start;
    start = wide_text(length);
    return &start;
}

static wchar_t *wide_in_room(size_t length) {
    wide_room[length] = 0;
    return fill_wide(wide_room, length);
}

static char *perhaps_dead(void) {
    text(3);
    if (bad) free(block);
    return block;
}

/* ---- files, streams and vectors ---- */

static int file(void) {
    int fd = memfd_create("bounds", 0);
    fill(outside, 300)[40] = '\n';
    CHECK(write(fd, outside, 300) == 300 && lseek(fd, 0, SEEK_SET) == 0);
    return fd;
}

static FILE *stream(void) { return fdopen(file(), "r+"); }

static int peer(void) {
    int ends[2];
    CHECK(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends) == 0);
    CHECK(write(ends[0], outside, 64) == 64);
    return ends[1];
}

static struct iovec *pieces(size_t bytes) {
    static struct iovec vector[2];
    vector[0] = (struct iovec){room, 10};
    vector[1] = (struct iovec){block, bytes};
    return vector;
}

static struct mmsghdr *message(size_t bytes) {
    static struct mmsghdr one;
    one.msg_hdr.msg_iov = pieces(bytes);
    one.msg_hdr.msg_iovlen = 2;
    return &one;
}

/* The block has room for four pieces, or for a message at its end. */
static struct iovec *no_pieces(void) { return (struct iovec *)memset(block, 0, 64); }

static struct msghdr *no_message(void) {
    memset(block, 0, 64);
    return (struct msghdr *)(block + 64 - sizeof(struct msghdr) + 8 * bad);
}

static char **line(void) {
    text_start = block;
    return &text_start;
}

static size_t *line_size(size_t bytes) {
    static size_t size;
    size = bytes;
    return &size;
}

/* ---- lists of arguments ---- */

static int call_vsprintf(va_list list) { return vsprintf(block, "%0*d", list); }
static int call_vsprintf_chk(va_list list) { return __vsprintf_chk(block, 1, 200, "%0*d", list); }
static int call_vsnprintf(va_list list) { return vsnprintf(block, 200, "%0*d", list); }
static int call_vsnprintf_alias(va_list list) { return __vsnprintf(block, 200, "%0*d", list); }
static int call_vsnprintf_chk(va_list list) {
    return __vsnprintf_chk(block, 200, 1, 200, "%0*d", list);
}
static int call_vswprintf(va_list list) { return vswprintf(wide_block, 16 + bad, L"%d", list); }
static int call_vswprintf_chk(va_list list) {
    return __vswprintf_chk(wide_block, 16 + bad, 1, 50, L"%d", list);
}

static int with_list(int (*call)(va_list), ...) {
    va_list list;
    va_start(list, call);
    int result = call(list);
    va_end(list);
    return result;
}

/* ---- the cases ---- */

static unsigned hash(const void *p, size_t bytes, unsigned value) {
    for (size_t i = 0; i < bytes; i++) value = value * 31 + ((const unsigned char *)p)[i];
    return value;
}

/* Returns a number for the pointer that is the same in each run: its offset in known memory. */
static long position(const void *p) {
    const char *at = p;
    if (p == NULL) return -1;
    if (at >= block && at <= block + 64) return at - block;
    if (at >= outside && at <= outside + sizeof outside) return 1000 + (at - outside);
    if (at >= room && at <= room + sizeof room) return 2000 + (at - room);
    return -2;
}

#define P(call) position(call)
#define N(call) (long)(call)
#define V(call) ((void)(call), 0)
#define R(call) ((void)(call), forget())

/* Overwrites a random result, which must not be compared. */
static long forget(void) {
    fill(block, 64);
    return 0;
}

#define JOIN(a, b) JOIN_(a, b)
#define JOIN_(a, b) a##b
#define CASE(function, reported, kind, call) \
    static long JOIN(case_, __LINE__)(void) { return call; }
#include "cases.h"
#undef CASE

static const struct misuse {
    const char *function, *reported, *kind;
    long (*call)(void);
} cases[] = {
#define CASE(function, reported, kind, call) {#function, #reported, #kind, JOIN(case_, __LINE__)},
#include "cases.h"
};
enum { CASES = sizeof cases / sizeof *cases };

static const char *cause_of(const char *kind) {
    if (strcmp(kind, "dead") == 0) return "use after free";
    return strcmp(kind, "overlap") == 0 ? "overlap" : "heap overflow";
}

static void set_up(void) {
    block = malloc(64);
    wide_block = (wchar_t *)block;
    rest = NULL;
    fill(block, 64);
    fill_wide(wide_outside, 200);
    fill(outside, sizeof outside);
    fill(room, sizeof room);
    fill_wide(wide_room, 200);
}

static void run_good(const struct misuse *c) {
    set_up();
    long result = c->call();
    unsigned written = hash(wide_room, sizeof wide_room, hash(room, sizeof room, 0));
    printf("%s %s %ld %08x\n", c->function, c->kind, result, hash(block, 64, written));
}

static void call_badly(const void *c) {
    set_up();
    bad = 1;
    ((const struct misuse *)c)->call();
}

static bool run_bad(const struct misuse *c) {
    const struct expectation expected = {cause_of(c->kind), c->reported};
    if (is_reported(call_badly, c, expected)) return true;
    fprintf(stderr, "in the case of %s, %s\n", c->function, c->kind);
    return false;
}

int main(int argc, char **argv) {
    bool right = true;
    CHECK(argc > 1);
    locale = newlocale(LC_ALL_MASK, "C", NULL);
    for (const struct misuse *c = cases; c < cases + CASES; c++) {
        if (argc > 2 && strcmp(argv[2], c->function) != 0) continue;
        if (strcmp(argv[1], "list") == 0) puts(c->function);
        if (strcmp(argv[1], "good") == 0) run_good(c);
        if (strcmp(argv[1], "bad") == 0) right = run_bad(c) && right;
    }
    return right ? EXIT_SUCCESS : EXIT_FAILURE;
}
