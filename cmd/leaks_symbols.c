/* The frames of an answer as mallow symbolize gives them. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "command.h"
#include "leaks.h"

/* The text as a file, at its beginning. */
static int file_of(const char *text) {
    int fd = memfd_create("leaks", MFD_CLOEXEC);
    size_t left = strlen(text);
    for (ssize_t n; fd >= 0 && left > 0; text += n, left -= (size_t)n)
        if ((n = write(fd, text, left)) <= 0) err(EXIT_OWN_FAILURE, "a file in memory");
    if (fd < 0 || lseek(fd, 0, SEEK_SET) != 0) err(EXIT_OWN_FAILURE, "a file in memory");
    return fd;
}

static char *read_all(int fd) {
    char piece[4096], *all = NULL;
    size_t length;
    ssize_t n;
    FILE *text = open_memstream(&all, &length);
    if (text == NULL) err(EXIT_OWN_FAILURE, NULL);
    while ((n = read(fd, piece, sizeof piece)) > 0) fwrite(piece, 1, (size_t)n, text);
    if (fclose(text) != 0) err(EXIT_OWN_FAILURE, NULL);
    return all;
}

static pid_t start_symbolize(int input, int output) {
    pid_t child = fork();
    if (child < 0) err(EXIT_OWN_FAILURE, "cannot fork");
    if (child > 0) return child;
    dup2(input, STDIN_FILENO);
    dup2(output, STDOUT_FILENO);
    execl("/proc/self/exe", "mallow", "symbolize", (char *)NULL);
    _exit(EXIT_NOT_FOUND);
}

char *leaks_symbolize(char *text) {
    int ends[2], status = 0;
    if (strstr(text, "\n    #") == NULL) return text;
    if (pipe(ends) != 0) err(EXIT_OWN_FAILURE, "cannot make a pipe");
    int input = file_of(text);
    pid_t child = start_symbolize(input, ends[1]);
    close(ends[1]);
    char *named = read_all(ends[0]);
    waitpid(child, &status, 0);
    close(ends[0]);
    close(input);
    char *kept = status == 0 ? named : text, *other = status == 0 ? text : named;
    free(other);
    return kept;
}
