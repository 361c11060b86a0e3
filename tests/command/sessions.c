/*
 * Loses blocks of one size with different contents, and blocks of many sizes, and then waits for
 * the end of standard input:
 *     sessions COUNT SIZES
 * COUNT blocks have 96 bytes. SIZES further blocks are definitely lost, and as many possibly lost.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SESSION_BYTES 96
#define SIZES_MAX 1000
#define STEP 4096

static char *inside[SIZES_MAX];

static __attribute__((noinline)) void lose_session(int number) {
    char *session = malloc(SESSION_BYTES);
    snprintf(session, SESSION_BYTES, "session %d", number);
    __asm__ volatile("" : : "r"(session) : "memory");
}

static __attribute__((noinline)) void lose_sizes(size_t count) {
    for (size_t i = 0; i < count; i++) {
        char *lost = calloc(i + 9, STEP);
        __asm__ volatile("" : : "r"(lost) : "memory");
        inside[i] = (char *)calloc(i + 9, STEP) + 30;
    }
    __asm__ volatile("" : : "r"(inside) : "memory");
}

/* Overwrites pointers that earlier calls have left on the stack. */
static __attribute__((noinline)) void clear_stack(void) {
    char nothing[4096];
    memset(nothing, 0, sizeof nothing);
    __asm__ volatile("" : : "r"(nothing) : "memory");
}

int main(int argc, char **argv) {
    if (argc != 3) return 2;
    lose_sizes((size_t)atoi(argv[2]) % SIZES_MAX);
    for (int i = 0; i < atoi(argv[1]); i++) lose_session(i);
    lose_session(-1);
    clear_stack();
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (getchar() != EOF) continue;
    puts("well");
    return 0;
}
