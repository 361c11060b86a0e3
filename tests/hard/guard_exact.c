/*
 * With guard=1, the first use of a freed block is reported at the exact instruction, with the
 * stacks of the block's allocation and free, for every size and every combination of threads.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

/* Each function has its own section: the linker's names for the section's ends bound the code. */
#ifdef __clang__
#    define NOT_COPIED noinline
#else
#    define NOT_COPIED noinline, noclone
#endif
#define PLACED(name) __attribute__((NOT_COPIED, section(#name)))
#define PLACE(name) extern const char __start_##name[], __stop_##name[]
PLACE(code_make);
PLACE(code_drop);
PLACE(code_touch);

struct use {
    size_t size, offset;
    bool write, elsewhere;
    volatile char *block;
};

PLACED(code_make) static void *make(void *argument) {
    struct use *use = argument;
    use->block = malloc(use->size);
    memset((void *)(uintptr_t)use->block, 1, use->size);
    return NULL;
}

PLACED(code_drop) static void *drop(void *argument) {
    struct use *use = argument;
    free((void *)(uintptr_t)use->block);
    return NULL;
}

PLACED(code_touch) static void *touch(void *argument) {
    struct use *use = argument;
    if (use->write)
        use->block[use->offset] = 2;
    else
        (void)use->block[use->offset];
    return NULL;
}

static void call(void *(*step)(void *), struct use *use) {
    pthread_t thread;
    if (!use->elsewhere) {
        step(use);
        return;
    }
    CHECK(pthread_create(&thread, NULL, step, use) == 0);
    pthread_join(thread, NULL);
}

/* Uses a freed block in a child, whose report goes to the file. */
static void run(struct use use, int file) {
    int status;
    pid_t child = fork();
    CHECK(child >= 0);
    if (child == 0) {
        dup2(file, STDERR_FILENO);
        call(make, &use);
        call(drop, &use);
        call(touch, &use);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

/* Checks that the first frame after LINE in the report is in the code between START and END. */
static void check_frame(const char *text, const char *line, const char *start, const char *end) {
    const char *at = strstr(text, line);
    at = at == NULL ? NULL : strstr(at, "    #0 0x");
    uintptr_t pc = at == NULL ? 0 : strtoul(at + 7, NULL, 16);
    if (pc < (uintptr_t)start || pc > (uintptr_t)end)
        check_failed("the first frame after '%s' is not in the expected function:\n%s", line, text);
}

static void check_use(struct use use) {
    static char text[64 * 1024], detail[64];
    int file = memfd_create("report", 0);
    CHECK(file >= 0);
    run(use, file);
    ssize_t length = pread(file, text, sizeof text - 1, 0);
    close(file);
    CHECK(length > 0);
    text[length] = '\0';
    CHECK(strncmp(text, "mallow: use after free of", 25) == 0);
#ifdef __x86_64__
    snprintf(detail, sizeof detail, "%s at offset %zu", use.write ? "write" : "read", use.offset);
#else
    snprintf(detail, sizeof detail, "access at offset %zu", use.offset);
#endif
    if (strstr(text, detail) == NULL) check_failed("no '%s' in:\n%s", detail, text);
    check_frame(text, "mallow: ", __start_code_touch, __stop_code_touch);
    check_frame(text, "  allocated by ", __start_code_make, __stop_code_make);
    check_frame(text, "  freed by ", __start_code_drop, __stop_code_drop);
}

int main(void) {
    static const size_t sizes[] = {1, 16, 100, 4096, 5000, 100000, 3 << 20};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        bool odd = i % 2 != 0;
        check_use((struct use){sizes[i], 0, .write = odd, .elsewhere = !odd});
        check_use((struct use){sizes[i], sizes[i] - 1, .write = !odd, .elsewhere = !odd});
        check_use((struct use){sizes[i], sizes[i] / 2, .write = !odd, .elsewhere = odd});
    }
    return 0;
}
