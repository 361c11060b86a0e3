#include "trace_log.h"

#include <err.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "xalloc.h"

/* What is being read. */
struct trace_log_reader {
    const char *path;
    size_t line;
    struct trace_log *log;
};

static _Noreturn void trace_log_refuse(const struct trace_log_reader *reader, const char *what) {
    errx(EXIT_BAD_LOG, "%s:%zu: %s", reader->path, reader->line, what);
}

/* ---- places ---- */

static int trace_log_compare_places(const void *a, const void *b) {
    return strcmp(((const struct place *)a)->text, ((const struct place *)b)->text);
}

/* OBJECT:(SYMBOL+OFFSET)[ADDRESS], without what is not known. An object's name may have anything in
 * it, so this begins at the end. */
static bool trace_log_parse_place(struct place *place) {
    const char *text = place->text, *bracket = strrchr(text, '['), *end = bracket;
    int length = 0;
    if (*text == '\0') return true;
    if (bracket == NULL || sscanf(bracket, "[0x%lx]%n", &place->offset, &length) != 1 ||
        bracket[length] != '\0')
        return false;
    const char *parenthesis = bracket > text && bracket[-1] == ')' ? strrchr(text, '(') : NULL;
    if (parenthesis != NULL) {
        size_t symbol = strcspn(parenthesis + 1, "+)");
        place->symbol = xstrndup(parenthesis + 1, symbol);
        end = parenthesis;
    }
    if (end == text) return true;
    if (end[-1] != ':') return false;
    place->object = xstrndup(text, (size_t)(end - 1 - text));
    return true;
}

static struct place *trace_log_find_place(struct trace_log_reader *reader, const char *text) {
    struct place *fresh = xcalloc(1, sizeof *fresh);
    fresh->text = text;
    struct place *found =
        *(struct place **)xnonnull(tsearch(fresh, &reader->log->places, trace_log_compare_places));
    if (found != fresh) {
        free(fresh);
        return found;
    }
    fresh->text = xstrdup(text);
    if (!trace_log_parse_place(fresh)) trace_log_refuse(reader, "the caller is malformed");
    return fresh;
}

/* ---- blocks ---- */

static int trace_log_compare_blocks(const void *a, const void *b) {
    uint64_t left = ((const struct block *)a)->address, right = ((const struct block *)b)->address;
    return left < right ? -1 : left > right;
}

static struct block *trace_log_find_block(struct trace_log *log, uint64_t address) {
    struct block key = {.address = address};
    struct block **found = tfind(&key, &log->blocks, trace_log_compare_blocks);
    return found == NULL ? NULL : *found;
}

static void trace_log_add_error(const struct trace_log_reader *reader, struct trace_error error) {
    struct trace_log *log = reader->log;
    error.line = reader->line;
    log->errors = xgrow(log->errors, log->error_count, sizeof error);
    log->errors[log->error_count++] = error;
}

static void trace_log_take_off(struct trace_log *log, struct block *block, struct place *place) {
    block->freed = place;
    log->live_bytes -= block->size;
    log->live_blocks--;
}

static void trace_log_add_block(struct trace_log_reader *reader, uint64_t address, uint64_t size,
                                struct place *place) {
    struct trace_log *log = reader->log;
    struct block *block = trace_log_find_block(log, address);
    if (block == NULL) {
        block = xcalloc(1, sizeof *block);
        block->address = address;
        xnonnull(tsearch(block, &log->blocks, trace_log_compare_blocks));
    } else if (block->freed == NULL) {
        trace_log_add_error(reader, (struct trace_error){.kind = TRACE_ALLOCATED_TWICE,
                                                         .address = address,
                                                         .place = place,
                                                         .before = block->allocated});
        trace_log_take_off(log, block, place);
    }
    *block = (struct block){address, size, place, NULL};
    log->allocated_bytes += size;
    log->live_bytes += size;
    log->live_blocks++;
    if (log->live_bytes > log->peak_bytes) log->peak_bytes = log->live_bytes;
    if (log->live_blocks > log->peak_blocks) log->peak_blocks = log->live_blocks;
}

static void trace_log_remove_block(struct trace_log_reader *reader, uint64_t address,
                                   struct place *place) {
    struct block *block = trace_log_find_block(reader->log, address);
    if (block != NULL && block->freed == NULL) {
        trace_log_take_off(reader->log, block, place);
        return;
    }
    struct trace_error error = {.kind = TRACE_NEVER_ALLOCATED, .address = address, .place = place};
    if (block != NULL) error.kind = TRACE_FREED_TWICE, error.before = block->freed;
    trace_log_add_error(reader, error);
}

/* ---- lines ---- */

/* SIGN ADDRESS [SIZE] */
struct trace_log_call {
    char sign;
    uint64_t address, size;
};

static bool trace_log_parse_number(const char **text, uint64_t *number) {
    char *end;
    if (strncmp(*text, "(nil)", 5) == 0) {
        *number = 0;
        *text += 5;
        return true;
    }
    if (strspn(*text, "0123456789") == 0) return false;
    errno = 0;
    *number = strtoull(*text, &end, 0);
    *text = end;
    return errno == 0;
}

static bool trace_log_parse_call(const char *text, struct trace_log_call *call) {
    bool has_size = *text == '+' || *text == '>' || *text == '!';
    call->sign = *text;
    call->size = 0;
    if ((!has_size && *text != '-' && *text != '<') || text[1] != ' ') return false;
    text += 2;
    if (!trace_log_parse_number(&text, &call->address)) return false;
    if (has_size && (*text++ != ' ' || !trace_log_parse_number(&text, &call->size))) return false;
    return *text == '\0';
}

static void trace_log_follow(struct trace_log_reader *reader, const struct trace_log_call *call,
                             struct place *place) {
    struct trace_log *log = reader->log;
    switch (call->sign) {
    case '+':
        if (call->address == 0)
            log->failures++;
        else
            log->allocations++, trace_log_add_block(reader, call->address, call->size, place);
        break;
    case '-':
        log->frees++;
        trace_log_remove_block(reader, call->address, place);
        break;
    case '<':
        trace_log_remove_block(reader, call->address, place);
        break;
    case '>':
        log->reallocations++;
        trace_log_add_block(reader, call->address, call->size, place);
        break;
    case '!':
        log->failures++;
        break;
    }
}

/* The call in the line, whose beginning becomes the place alone: "@ PLACE CALL", or "CALL". */
static const char *trace_log_split(char *line, const char **place) {
    *place = "";
    if (strncmp(line, "@ ", 2) != 0) return line;
    char *end = strrchr(line, ']');
    if (end == NULL || end[1] != ' ') return NULL;
    end[1] = '\0';
    *place = line + 2;
    return end + 2;
}

static void trace_log_read_line(struct trace_log_reader *reader, char *line) {
    struct trace_log_call call;
    const char *place;
    bool start = strcmp(line, "= Start") == 0;
    if (reader->line == 1 && !start) trace_log_refuse(reader, "not a log of mtrace(3)");
    if (start || strcmp(line, "= End") == 0) return;
    const char *text = trace_log_split(line, &place);
    if (text == NULL || !trace_log_parse_call(text, &call))
        trace_log_refuse(reader, "not a line of an mtrace(3) log");
    trace_log_follow(reader, &call, trace_log_find_place(reader, place));
}

static void trace_log_read_lines(struct trace_log_reader *reader, FILE *file) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, file)) > 0) {
        reader->line++;
        if (line[length - 1] != '\n') { /* the process was killed */
            warnx("%s:%zu: the last line is incomplete", reader->path, reader->line);
            break;
        }
        line[length - 1] = '\0';
        trace_log_read_line(reader, line);
    }
    free(line);
    if (ferror(file)) err(EXIT_BAD_LOG, "%s", reader->path);
    if (reader->line == 0) errx(EXIT_BAD_LOG, "%s:1: the log is empty", reader->path);
}

struct trace_log *trace_log_read(const char *path) {
    struct trace_log_reader reader = {.path = path, .log = xcalloc(1, sizeof(struct trace_log))};
    FILE *file = fopen(path, "re");
    if (file == NULL) err(EXIT_BAD_LOG, "%s", path);
    trace_log_read_lines(&reader, file);
    fclose(file);
    return reader.log;
}

struct trace_log_visit {
    void (*call)(const struct block *block, void *to);
    void *to;
};

static void trace_log_visit_block(const void *node, VISIT order, void *argument) {
    const struct block *block = *(struct block *const *)node;
    const struct trace_log_visit *visit = argument;
    if ((order == postorder || order == leaf) && block->freed == NULL)
        visit->call(block, visit->to);
}

void trace_log_for_each_live(const struct trace_log *log,
                             void (*call)(const struct block *block, void *to), void *to) {
    twalk_r(log->blocks, trace_log_visit_block, &(struct trace_log_visit){call, to});
}
