/*
 * executed LIBRARY MARK PROGRAM ARGUMENT... <OFFSETS
 *
 * Runs the program with the library preloaded, and prints which of the offsets (hexadecimal, one
 * per line, starts of functions) were executed, with `near` in front if that was after the function
 * at MARK was called, and `start` if it was only before. Follows threads, but not children.
 *
 * A breakpoint at each offset is removed when it is reached, so the program is hardly slower than
 * without, and does what it does at its usual speed.
 */
#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { OFFSETS = 8192, BREAKPOINT = 0xcc };

static struct point {
    uintptr_t offset;
    unsigned char byte; /* what the breakpoint replaces */
    bool early, late;
} points[OFFSETS];
static size_t count;
static uintptr_t base, mark;
static struct point passed; /* where the function at the mark returns to; an address */
static bool marked;

static void fail(const char *what) {
    fprintf(stderr, "executed: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void start_program(const char *library, char **argv) {
    setenv("LD_PRELOAD", library, 1);
    dup2(STDERR_FILENO, STDOUT_FILENO);
    if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0) fail("ptrace");
    execvp(argv[0], argv);
    fail(argv[0]);
}

/* Replaces a byte of the program, and returns what was there. */
static unsigned char replace_byte(pid_t thread, uintptr_t address, unsigned char byte) {
    uintptr_t aligned = address & ~(sizeof(long) - 1);
    unsigned shift = 8 * (unsigned)(address - aligned);
    unsigned long word = (unsigned long)ptrace(PTRACE_PEEKTEXT, thread, aligned, NULL);
    unsigned long changed = (word & ~(0xfful << shift)) | (unsigned long)byte << shift;
    if (ptrace(PTRACE_POKETEXT, thread, aligned, changed) != 0) fail("breakpoint");
    return (unsigned char)(word >> shift);
}

/* Finds the library in the memory of the process, once it is mapped as a whole. */
static void find_library(pid_t pid, const char *library) {
    char path[64], line[PATH_MAX + 128];
    snprintf(path, sizeof path, "/proc/%d/maps", (int)pid);
    FILE *maps = fopen(path, "r");
    if (maps == NULL) fail(path);
    uintptr_t first = 0;
    while (fgets(line, sizeof line, maps) != NULL) {
        uintptr_t from;
        char access[5];
        if (sscanf(line, "%" SCNxPTR "-%*x %4s", &from, access) != 2) continue;
        line[strcspn(line, "\n")] = '\0';
        const char *name = strchr(line, '/');
        if (name == NULL || strcmp(name, library) != 0) continue;
        if (first == 0) first = from;
        if (access[1] == 'w') base = first;
    }
    fclose(maps);
}

static void plant(pid_t thread) {
    for (size_t i = 0; i < count; i++)
        points[i].byte = replace_byte(thread, base + points[i].offset, BREAKPOINT);
}

static struct point *point_at(uintptr_t offset) {
    for (size_t i = 0; i < count; i++)
        if (points[i].offset == offset) return &points[i];
    return NULL;
}

/* The function at the mark discards pages of the library, and with them the breakpoints. */
static void enter_mark(pid_t thread) {
    marked = true;
    uintptr_t stack =
        (uintptr_t)ptrace(PTRACE_PEEKUSER, thread, offsetof(struct user_regs_struct, rsp), NULL);
    passed.offset = (uintptr_t)ptrace(PTRACE_PEEKDATA, thread, stack, NULL);
    passed.byte = replace_byte(thread, passed.offset, BREAKPOINT);
}

static void leave_mark(pid_t thread) {
    for (size_t i = 0; i < count; i++)
        if (!points[i].late) replace_byte(thread, base + points[i].offset, BREAKPOINT);
}

static void reach(pid_t thread) {
    size_t counter = offsetof(struct user_regs_struct, rip);
    uintptr_t at = (uintptr_t)ptrace(PTRACE_PEEKUSER, thread, counter, NULL) - 1;
    bool leaves = marked && at == passed.offset;
    struct point *point = leaves ? &passed : base == 0 ? NULL : point_at(at - base);
    if (point == NULL) return; /* stopped for another reason */
    if (leaves) leave_mark(thread);
    if (point->offset == mark && !marked) enter_mark(thread);
    *(marked ? &point->late : &point->early) = true;
    replace_byte(thread, at, point->byte);
    ptrace(PTRACE_POKEUSER, thread, counter, at);
}

static void follow(pid_t program, const char *library) {
    int status;
    if (waitpid(program, &status, 0) < 0) fail("waitpid");
    long options = PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL | PTRACE_O_TRACESYSGOOD;
    if (ptrace(PTRACE_SETOPTIONS, program, NULL, options) != 0) fail("ptrace");
    for (pid_t thread = program; thread > 0; thread = waitpid(-1, &status, __WALL)) {
        if (!WIFSTOPPED(status)) continue;
        int signal = WSTOPSIG(status);
        if (base == 0) {
            find_library(program, library);
            if (base != 0) plant(program);
        }
        if (signal == SIGTRAP) reach(thread);
        if (signal == SIGTRAP || signal == SIGSTOP || signal == (SIGTRAP | 0x80)) signal = 0;
        ptrace(base == 0 ? PTRACE_SYSCALL : PTRACE_CONT, thread, NULL, (void *)(intptr_t)signal);
    }
    if (base == 0) fail("the program did not load the library");
}

int main(int argc, char **argv) {
    char library[PATH_MAX];
    if (argc < 4) return 2;
    if (realpath(argv[1], library) == NULL) fail(argv[1]);
    mark = (uintptr_t)strtoull(argv[2], NULL, 16);
    while (count < OFFSETS && scanf("%" SCNxPTR, &points[count].offset) == 1) count++;
    pid_t program = fork();
    if (program == 0) start_program(library, argv + 3);
    follow(program, library);
    for (size_t i = 0; i < count; i++)
        if (points[i].early || points[i].late)
            printf("%s %" PRIxPTR "\n", points[i].late ? "near" : "start", points[i].offset);
    return 0;
}
