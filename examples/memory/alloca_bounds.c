/* Uses alloca and a variable-length array within a bound, and shows in a child process what happens
 * without one: neither can fail, so a request that exceeds the stack ends the program.
 *
 * Memory of alloca lasts until the function returns. In a loop, or in a function that the compiler
 * inlines into a loop, each pass takes more. A variable-length array ends with its block.
 *
 *     $ alloca_bounds
 *     join of 5 bytes: a/bcd (stack)
 *     join of 40002 bytes: aaaaa... (malloc)
 *     the sum of 1000 squares is 332833500
 *     the sum of 1000000 squares is refused
 *     without a bound: Segmentation fault
 */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOUND = 4096 }; /* bytes on the stack; a thread may have as few as 16 KiB in total */

static void join(const char *folder, const char *file) {
    size_t bytes = strlen(folder) + strlen(file) + 1;
    char *large = NULL;
    char *path = bytes < BOUND ? alloca(bytes + 1) : (large = malloc(bytes + 1));
    if (path == NULL) return;
    stpcpy(stpcpy(stpcpy(path, folder), "/"), file);
    printf("join of %zu bytes: %.5s%s (%s)\n", bytes, path, bytes > 5 ? "..." : "",
           large == NULL ? "stack" : "malloc");
    free(large);
}

static void sum_squares(int count) {
    if (count < 1 || (size_t)count > BOUND / sizeof(int)) {
        printf("the sum of %d squares is refused\n", count);
        return;
    }
    int squares[count];
    int sum = 0;
    for (int i = 0; i < count; i++) squares[i] = i * i;
    for (int i = 0; i < count; i++) sum += squares[i];
    printf("the sum of %d squares is %d\n", count, sum);
}

static void write_first(volatile char *block) { block[0] = 1; }

static void show_overflow(void) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
        setrlimit(RLIMIT_STACK, &(struct rlimit){1 << 20, 1 << 20});
        write_first(alloca(16 << 20)); /* the first byte is the furthest from the stack's end */
        _exit(0);
    }
    int status = 0;
    waitpid(child, &status, 0);
    printf("without a bound: %s\n", WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "no fault");
}

int main(void) {
    static char long_name[40001];
    memset(long_name, 'a', sizeof long_name - 1);
    join("a", "bcd");
    join(long_name, "b");
    sum_squares(1000);
    sum_squares(1000000);
    show_overflow();
}
