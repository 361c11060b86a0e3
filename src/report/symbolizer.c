#include "report/symbolizer.h"

#include <errno.h>

#include "os/os.h"
#include "os/os_process.h"
#include "process/settings.h"

static const char *symbolizer_path; /* NULL: none */
static int filters_at_start;

RARE void symbolizer_set(const char *path) {
    symbolizer_path = path;
    filters_at_start = os_call_filters();
}

/* A filter of the program's own may answer a new process with the end of this one. */
static bool is_shut_in(void) { return os_call_filters() != filters_at_start; }

RARE int symbolizer_begin(void) {
    int before = errno;
    int file = symbolizer_path == NULL || is_shut_in() ? -1 : os_memory_file();
    errno = before;
    return file < 0 ? settings.log_fd : file;
}

RARE void symbolizer_end(int file) {
    int before = errno;
    char first;
    if (file == settings.log_fd) return;
    if (os_read_at(file, &first, 1, 0) &&
        os_run_filter(symbolizer_path, "symbolize", file, settings.log_fd) != 0)
        os_copy_file(file, settings.log_fd);
    os_close(file);
    errno = before;
}
