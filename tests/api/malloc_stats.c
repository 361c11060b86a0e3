/* malloc_stats(3) writes to standard error, which may be full or closed, and is not a cancellation
 * point. */
#include "check.h"
#include "threads.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdbool.h>
#include <string.h>

/* Calls malloc_stats with standard error redirected to the file. */
static void stats_into(int file) {
    int saved = dup(STDERR_FILENO);
    CHECK(dup2(file, STDERR_FILENO) >= 0);
    malloc_stats();
    CHECK(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

static void last_line(void) {
    static char text[1 << 16];
    FILE *file = tmpfile();
    CHECK(file != NULL);
    stats_into(fileno(file));
    rewind(file);
    size_t length = fread(text, 1, sizeof(text) - 1, file);
    fclose(file);
    CHECK(length > 0 && text[length - 1] == '\n');
    text[length - 1] = '\0';
    char *line = strrchr(text, '\n');
    size_t bytes;
    CHECK(line != NULL);
    CHECK_EQUAL(sscanf(line, "\nmax mmap bytes   = %zu", &bytes), 1);
}

static void full_file(void) {
    int file = open("/dev/full", O_WRONLY);
    CHECK(file >= 0);
    for (int i = 0; i < 10; i++) stats_into(file);
    close(file);
}

static void closed_file(void) {
    int saved = dup(STDERR_FILENO);
    close(STDERR_FILENO);
    malloc_stats();
    CHECK(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
}

static volatile bool returned;

static void *stats_cancelled(void *unused) {
    (void)unused;
    int file = open("/dev/null", O_WRONLY | O_CLOEXEC);
    int saved = dup(STDERR_FILENO);
    dup2(file, STDERR_FILENO);
    pthread_cancel(pthread_self());
    malloc_stats();
    dup2(saved, STDERR_FILENO);
    returned = true;
    pthread_testcancel();
    return NULL;
}

static void cancelled_thread(void) {
    CHECK(run_in_thread(stats_cancelled, NULL) == PTHREAD_CANCELED);
    CHECK(returned);
}

int main(void) {
    last_line();
    full_file();
    closed_file();
    cancelled_thread();
    last_line();
}
