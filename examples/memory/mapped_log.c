/* Writes a log file through a mapping that grows with the file. Lines are in the file as soon as
 * they are written, even if the program crashes, and no line costs a copy into a buffer. If another
 * process truncates the log while it is mapped, the program gets an error instead of a SIGBUS.
 *
 *     $ mapped_log start "load config" stop
 *     $ mapped_log again
 *     $ cat log
 *     start
 *     load config
 *     stop
 *     again
 *     $ mapped_log --truncate lost
 *     mallow_map_write: <text>
 *     $ cat log
 */
#include <err.h>
#include <mallow/map.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void require(enum mallow_result result) {
    if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
}

/* Appends a line. Returns an error if the file has become shorter. */
static enum mallow_result append(struct mallow_map *log, const char *line, int truncate_first) {
    size_t end = log->bytes, length = strlen(line);
    require(mallow_map_resize(log, end + length + 1, MALLOW_MAP_MAY_MOVE));
    if (truncate_first && truncate("log", 0) != 0) err(1, "truncate");
    enum mallow_result result = mallow_map_write(log, end, line, length);
    if (result == MALLOW_OK) result = mallow_map_write(log, end + length, "\n", 1);
    return result;
}

int main(int argc, char **argv) {
    int truncates = argc > 1 && strcmp(argv[1], "--truncate") == 0;
    struct mallow_map log;
    require(mallow_map_file("log", 0, MALLOW_MAP_ALL, MALLOW_MAP_WRITE | MALLOW_MAP_CREATE, &log));
    for (int i = 1 + truncates; i < argc; i++) {
        enum mallow_result result = append(&log, argv[i], truncates);
        if (result != MALLOW_OK) {
            printf("%s\n", mallow_error_text(result));
            break;
        }
    }
    if (!truncates) require(mallow_map_flush(&log, 0, MALLOW_MAP_ALL, MALLOW_MAP_FLUSH_WAIT));
    require(mallow_map_end(&log));
}
