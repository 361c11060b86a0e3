/* Addresses of a running process become functions and files, in its program, in a library, and in a
 * program whose file has been removed. */
#include "symbols/symbols.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"

int plain_function(void);
int plain_function(void) { return 1; }

/* The address must be in that function, and in that file if FILE is not NULL. */
static void expect(pid_t process, const void *address, const char *function, const char *file) {
    struct symbols *symbols = symbols_open();
    struct symbol_list list;
    uint64_t offset;
    struct process_map *map = process_map_read(process);
    const char *module = symbols_module_at(symbols, map, (uintptr_t)address, &offset);
    CHECK(module != NULL);
    symbols_find(symbols, module, offset, &list);
    CHECK(list.count == 1);
    CHECK(strstr(list.symbol[0].function, function) != NULL);
    CHECK(file == NULL || strstr(list.symbol[0].file, file) != NULL);
    symbol_list_clear(&list);
    process_map_free(map);
    symbols_close(symbols);
}

static void expect_nothing(pid_t process, const void *address) {
    struct symbols *symbols = symbols_open();
    uint64_t offset;
    struct process_map *map = process_map_read(process);
    CHECK(symbols_module_at(symbols, map, (uintptr_t)address, &offset) == NULL);
    process_map_free(map);
    symbols_close(symbols);
}

/* Runs a copy of this program, and looks up an address after the copy's file is removed. */
static void test_removed(const char *program) {
    char copy[] = "symbols_XXXXXX", command[4096];
    int ready[2];
    void *address;
    CHECK(mkdtemp(copy) != NULL && pipe(ready) == 0);
    snprintf(command, sizeof command, "cp '%s' %s/program", program, copy);
    CHECK(system(command) == 0 && chdir(copy) == 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ready[1], 1);
        close(ready[1]);
        execl("./program", "program", "wait", (char *)NULL);
        _exit(1);
    }
    close(ready[1]);
    CHECK(read(ready[0], &address, sizeof address) == sizeof address);
    CHECK(unlink("program") == 0 && chdir("..") == 0 && rmdir(copy) == 0);
    expect(child, address, "plain_function", "symbols.c");
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "wait") == 0) {
        void *address = (void *)(uintptr_t)plain_function;
        CHECK(write(1, &address, sizeof address) == sizeof address);
        for (;;) pause();
    }
    int local = argc;
    expect(getpid(), (void *)(uintptr_t)plain_function, "plain_function", "symbols.c");
    expect(getpid(), (void *)(uintptr_t)qsort, "qsort", NULL);
    expect_nothing(getpid(), &local);
    expect_nothing(getpid(), NULL);
    expect_nothing(0, (void *)(uintptr_t)plain_function);
    test_removed(argv[0]);
    return 0;
}
