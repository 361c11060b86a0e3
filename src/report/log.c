#include "report/log.h"

#include <errno.h>
#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "os/os.h"

#define STANDARD_ERROR 2

static UNTOUCHED char log_path[LOG_PATH_MAX];
static struct os_file log_file = {.fd = STANDARD_ERROR};
static bool log_is_named; /* true: the log is a file with a name; false: it is only a descriptor */

static void log_close(void) {
    if (log_is_named && os_is_file(&log_file)) os_close(log_file.fd);
}

RARE int log_open(const char *path) {
    struct os_file file;
    size_t length = strlen(path);
    if (length >= sizeof log_path) return ENAMETOOLONG;
    int error = os_open_log(path, true, &file);
    if (error != 0) return error;
    log_close();
    memcpy(log_path, path, length + 1);
    log_file = file;
    log_is_named = true;
    return 0;
}

void log_use(int fd) {
    log_close();
    log_file.fd = fd;
    log_is_named = false;
}

/* Opens the log by its name and returns its descriptor; -1 if that fails. Several threads may do
 * this at once: one of them sets log_file.fd, and the others use that descriptor. */
static int log_open_again(int lost) {
    struct os_file again;
    if (os_open_log(log_path, false, &again) != 0) return -1;
    bool same = os_is_same_file(&again, &log_file);
    if (same && __atomic_compare_exchange_n(&log_file.fd, &lost, again.fd, false, __ATOMIC_RELAXED,
                                            __ATOMIC_RELAXED))
        return again.fd;
    os_close(again.fd);
    return same ? lost : -1;
}

static int log_descriptor(void) {
    struct os_file now = log_file;
    return !log_is_named || os_is_file(&now) ? now.fd : log_open_again(now.fd);
}

static __thread bool log_is_apart __attribute__((tls_model("initial-exec")));

void log_leave_table(void) { log_is_apart = true; }
bool log_has_left_table(void) { return log_is_apart; }

static int log_open_apart(void) {
    struct os_file file;
    if (!log_is_named) return os_open_process_file(log_file.fd);
    if (os_open_log(log_path, false, &file) != 0) return -1;
    if (os_is_same_file(&file, &log_file)) return file.fd;
    os_close(file.fd);
    return -1;
}

void log_write(const char *bytes, size_t count) {
    int fd = log_is_apart ? log_open_apart() : log_descriptor();
    if (fd < 0) return;
    os_write_quietly(fd, bytes, count);
    if (log_is_apart) os_close(fd);
}

void log_line(struct text *text) {
    if (text->length == text->size) text->length--;
    text->buffer[text->length++] = '\n';
    log_write(text->buffer, text->length);
    text->length = 0;
}
