/* mallow import: converts a file of another tool into a trace. */
#include "trace/import.h"

#include <err.h>
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/compressed.h"
#include "common/output.h"
#include "common/xalloc.h"

static const char import_help[] =
    "Usage: mallow import FILE -o TRACE\n"
    "Converts a file of another tool into a trace (mallow-trace(5)), which the other\n"
    "subcommands read. FILE is\n"
    "  * what heaptrack writes: heaptrack.PROGRAM.PID.zst or .gz\n"
    "  * a log of mtrace(3), which a program writes to the file that MALLOC_TRACE names\n"
    "\n"
    "Options:\n"
    "  -o, --output=TRACE\n"
    "                 write to TRACE\n"
    "  --help         print this text\n"
    "  --version      print the version\n"
    "\n"
    "The exit status is 0, 2 if FILE cannot be read or is none of these files, or 125 if\n"
    "TRACE cannot be written.\n";

static struct import_file import_source;
static const char *import_target; /* the trace's name */

void import_refuse(const struct import_file *file, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    char *what;
    if (vasprintf(&what, format, arguments) < 0) err(EXIT_OWN_FAILURE, NULL);
    va_end(arguments);
    errx(EXIT_BAD_IMPORT, "%s:%zu: %s", file->path, file->line, what);
}

bool import_next_line(struct import_file *file) {
    errno = 0;
    ssize_t length = getline(&file->text, &file->room, file->from);
    if (length < 0 && errno == EBADMSG)
        errx(EXIT_BAD_IMPORT, "%s: damaged after line %zu: the compressed content is invalid",
             file->path, file->line);
    if (length < 0 && ferror(file->from)) err(EXIT_BAD_IMPORT, "%s", file->path);
    if (length <= 0) return false;
    file->line++;
    if (file->text[length - 1] != '\n') {
        warnx("%s:%zu: the file ends in the middle of this line, which is left out", file->path,
              file->line);
        return false;
    }
    file->text[length - 1] = '\0';
    file->length = (size_t)length - 1;
    return true;
}

struct trace_writer *import_begin(int fd, const struct mallow_trace_facts *facts,
                                  const struct mallow_trace_process *process) {
    struct trace_writer *writer = xnonnull(trace_writer_open(fd, facts));
    uint32_t number = trace_writer_process(writer, process);
    trace_writer_thread(writer, &(struct mallow_trace_thread){.process = number, .name = ""});
    return writer;
}

void import_add(struct trace_writer *writer, const struct mallow_trace_event *event) {
    if (!trace_writer_add(writer, event))
        errx(EXIT_OWN_FAILURE, "%s: %s", import_target, trace_writer_error(writer));
}

static struct trace_writer *import_any(const char *path, int fd) {
    struct import_file *file = &import_source;
    struct trace_writer *writer;
    *file = (struct import_file){.path = path, .from = compressed_open(path)};
    if (file->from == NULL) err(EXIT_BAD_IMPORT, "%s", path);
    if (!import_next_line(file))
        errx(EXIT_BAD_IMPORT, "%s: is empty, or was cut off in its first line", path);
    if (strncmp(file->text, "v ", 2) == 0)
        writer = import_heaptrack(file, fd);
    else if (strcmp(file->text, "= Start") == 0)
        writer = import_mtrace(path, fd);
    else
        import_refuse(file, "is neither a file of heaptrack nor a log of mtrace(3)");
    fclose(file->from);
    free(file->text);
    return writer;
}

int import_command(int argc, char **argv) {
    static const struct option options[] = {
        {"output", required_argument, NULL, 'o'},
        COMMON_OPTIONS,
    };
    int option;
    while ((option = next_output_option(argc, argv, options, import_help)) != -1)
        if (option == 'o') import_target = optarg;
    char **files = operands(argc, argv, 1, 1, "FILE");
    if (import_target == NULL) usage_error("no -o TRACE given");
    struct output output = output_open(import_target);
    int fd = dup(fileno(output.to));
    if (fd < 0) err(EXIT_OWN_FAILURE, "%s", import_target);
    struct trace_writer *writer = import_any(files[0], fd);
    uint64_t events = trace_writer_events(writer);
    char *error = trace_writer_close(writer);
    if (error != NULL) errx(EXIT_OWN_FAILURE, "%s: %s", import_target, error);
    if (events == 0) warnx("%s: no allocations are recorded in it", files[0]);
    output_close(&output);
    return 0;
}
