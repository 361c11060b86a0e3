/*
 * With guard=1, the first use of a freed block is reported at the exact instruction, with the
 * stacks of the block's allocation and free, for every size and every combination of threads.
 */
#include <signal.h>
#include <stdint.h>
#include <string.h>

#include "child_report.h"
#include "threads.h"

/* Each function has its own section. The linker's symbols for the ends of the section show where
 * the code begins and ends. */
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
    if (use->elsewhere)
        run_in_thread(step, use);
    else
        step(use);
}

static void use_freed(const void *argument) {
    struct use use = *(const struct use *)argument;
    call(make, &use);
    call(drop, &use);
    call(touch, &use);
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
    int status = run_with_report(use_freed, &use, text, sizeof text);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
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
