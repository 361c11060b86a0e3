#include "report/symbolizer.h"

#include <errno.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_process.h"
#include "report/log.h"

#define PATIENCE_MS 30000
#define NO_FILE (-1) /* each part of the text is written to the log at once */

static struct {
    struct os_program program;
    int call_filters; /* their number at the start */
} symbolizer;

RARE void symbolizer_set(const char *path) {
    os_find_program(&symbolizer.program, path);
    symbolizer.call_filters = os_call_filters();
}

/* Returns true if the process may have system call filters that it did not have at the start. Such
 * a filter may end the process when it starts another one. */
static bool symbolizer_is_shut_in(void) {
    int filters = os_call_filters();
    return filters < 0 || filters != symbolizer.call_filters;
}

RARE int symbolizer_begin(void) {
    int before = errno;
    bool can_run = symbolizer.program.path != NULL && !symbolizer_is_shut_in();
    int file = can_run ? os_memory_file() : NO_FILE;
    errno = before;
    return file;
}

void symbolizer_write(void *file, const char *bytes, size_t count) {
    int fd = *(const int *)file;
    if (fd == NO_FILE)
        log_write(bytes, count);
    else
        os_write(fd, bytes, count);
}

static bool symbolizer_is_empty(int file) {
    char first;
    return !os_read_at(file, &first, 1, 0);
}

/* The log gets the command's output only when it is complete. */
static void symbolizer_filter_to_log(int file) {
    int output = os_memory_file();
    bool filtered =
        output != NO_FILE &&
        os_run_filter(&symbolizer.program, "symbolize", file, output, PATIENCE_MS) == 0 &&
        !symbolizer_is_empty(output);
    os_copy_file(filtered ? output : file, log_write);
    if (output != NO_FILE) os_close(output);
}

RARE void symbolizer_give_up(int file) {
    if (file == NO_FILE) return;
    os_copy_file(file, log_write);
    os_close(file);
}

RARE void symbolizer_end(int file) {
    int before = errno;
    if (file == NO_FILE) return;
    if (!symbolizer_is_empty(file)) symbolizer_filter_to_log(file);
    os_close(file);
    errno = before;
}
