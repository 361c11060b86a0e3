/* malloc_info(3) writes well-formed XML with the elements that libc writes, to any stream and in
 * any thread. */
#define _GNU_SOURCE
#include "check.h"
#include "threads.h"

#include <errno.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>

enum { HIGHEST_DEPTH = 16, LONGEST_NAME = 32 };

/* Checks that every element is closed in order. */
static void check_well_formed(const char *text) {
    char open[HIGHEST_DEPTH][LONGEST_NAME];
    int depth = 0;
    for (const char *tag = strchr(text, '<'); tag != NULL; tag = strchr(tag + 1, '<')) {
        const char *end = strchr(tag, '>');
        char name[LONGEST_NAME];
        CHECK(end != NULL);
        if (sscanf(tag, "</%31[a-z]>", name) == 1) {
            CHECK(depth > 0 && strcmp(open[--depth], name) == 0);
        } else {
            CHECK(sscanf(tag, "<%31[a-z]", name) == 1);
            if (end[-1] != '/') {
                CHECK(depth < HIGHEST_DEPTH);
                strcpy(open[depth++], name);
            }
        }
    }
    CHECK_EQUAL(depth, 0);
}

static char *report(void) {
    char *text = NULL;
    size_t length = 0;
    FILE *stream = open_memstream(&text, &length);
    CHECK_EQUAL(malloc_info(0, stream), 0);
    fclose(stream);
    return text;
}

static void elements(void) {
    static const char start[] = "<malloc version=\"1\">\n<heap nr=\"0\">\n<sizes>";
    static const char end[] = "</malloc>\n";
    char *text = report();
    CHECK(strncmp(text, start, strlen(start)) == 0);
    CHECK(strlen(text) > strlen(end) && strcmp(text + strlen(text) - strlen(end), end) == 0);
    check_well_formed(text);
    free(text);
}

static size_t mapped_bytes(void) {
    static const char element[] = "<total type=\"mmap\" count=\"";
    char *text = report();
    char *found = strstr(text, element);
    size_t count, size;
    CHECK(found != NULL);
    CHECK_EQUAL(sscanf(found + strlen(element), "%zu\" size=\"%zu\"/>", &count, &size), 2);
    CHECK((count == 0) == (size == 0));
    free(text);
    return size;
}

/* With guard=N the buffer of the report can be guarded: it is then a mapping during the report. */
static bool may_guard_buffer(void) {
    const char *options = getenv("MALLOW_OPTIONS");
    return options != NULL && strstr(options, "guard=") != NULL;
}

static void own_mappings(void) {
    enum { SIZE = 100 << 20, BUFFER = 64 << 10 };
    size_t before = mapped_bytes();
    void *block = malloc(SIZE);
    CHECK(mapped_bytes() + BUFFER >= before + SIZE);
    free(block);
    if (may_guard_buffer())
        CHECK(mapped_bytes() < before + BUFFER);
    else
        CHECK_EQUAL(mapped_bytes(), before);
}

/* malloc_info returns EINVAL, and does not set errno to it. */
static void unknown_options(void) {
    char text[16] = "";
    FILE *stream = fmemopen(text, sizeof(text), "w");
    CHECK_EQUAL(malloc_info(1, stream), EINVAL);
    CHECK_EQUAL(malloc_info(-1, stream), EINVAL);
    fclose(stream);
    CHECK(text[0] == '\0');
}

static void full_file(void) {
    FILE *stream = fopen("/dev/full", "w");
    CHECK(stream != NULL);
    setvbuf(stream, NULL, _IONBF, 0);
    for (int i = 0; i < 10; i++) malloc_info(0, stream);
    fclose(stream);
    elements();
}

static void *report_cancelled(void *unused) {
    (void)unused;
    FILE *stream = fopen("/dev/null", "w");
    setvbuf(stream, NULL, _IONBF, 0);
    pthread_cancel(pthread_self());
    malloc_info(0, stream);
    pthread_testcancel();
    return NULL;
}

/* A thread that is cancelled while it writes leaves nothing locked. */
static void cancelled_thread(void) {
    for (int i = 0; i < 10; i++) {
        CHECK(run_in_thread(report_cancelled, NULL) == PTHREAD_CANCELED);
        elements();
    }
}

int main(void) {
    elements();
    own_mappings();
    unknown_options();
    full_file();
    cancelled_thread();
}
