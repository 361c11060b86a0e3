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
struct reader {
    const char *path;
    size_t line;
    struct trace_log *log;
};

static _Noreturn void refuse(const struct reader *reader, const char *what) {
    errx(EXIT_BAD_LOG, "%s:%zu: %s", reader->path, reader->line, what);
}

/* ---- places ---- */

static int compare_places(const void *a, const void *b) {
    return strcmp(((const struct place *)a)->text, ((const struct place *)b)->text);
}

/* OBJECT:(SYMBOL+OFFSET)[ADDRESS], without what is not known. An object's name may have anything in
 * it, so this begins at the end. */
static bool parse_place(struct place *place) {
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

static struct place *find_place(struct reader *reader, const char *text) {
    struct place *fresh = xcalloc(1, sizeof *fresh);
    fresh->text = text;
    struct place *found =
        *(struct place **)xnonnull(tsearch(fresh, &reader->log->places, compare_places));
    if (found != fresh) {
        free(fresh);
        return found;
    }
    fresh->text = xstrdup(text);
    if (!parse_place(fresh)) refuse(reader, "the caller is malformed");
    return fresh;
}

/* ---- blocks ---- */

static int compare_blocks(const void *a, const void *b) {
    uint64_t left = ((const struct block *)a)->address, right = ((const struct block *)b)->address;
    return left < right ? -1 : left > right;
}

static struct block *find_block(struct trace_log *log, uint64_t address) {
    struct block key = {.address = address};
    struct block **found = tfind(&key, &log->blocks, compare_blocks);
    return found == NULL ? NULL : *found;
}

static void add_error(const struct reader *reader, struct trace_error error) {
    struct trace_log *log = reader->log;
    error.line = reader->line;
    log->errors = xgrow(log->errors, log->error_count, sizeof error);
    log->errors[log->error_count++] = error;
}

static void take_off(struct trace_log *log, struct block *block, struct place *place) {
    block->freed = place;
    log->live_bytes -= block->size;
    log->live_blocks--;
}

static void add_block(struct reader *reader, uint64_t address, uint64_t size, struct place *place) {
    struct trace_log *log = reader->log;
    struct block *block = find_block(log, address);
    if (block == NULL) {
        block = xcalloc(1, sizeof *block);
        block->address = address;
        xnonnull(tsearch(block, &log->blocks, compare_blocks));
    } else if (block->freed == NULL) {
        add_error(reader, (struct trace_error){.kind = TRACE_ALLOCATED_TWICE,
                                               .address = address,
                                               .place = place,
                                               .before = block->allocated});
        take_off(log, block, place);
    }
    *block = (struct block){address, size, place, NULL};
    log->allocated_bytes += size;
    log->live_bytes += size;
    log->live_blocks++;
    if (log->live_bytes > log->peak_bytes) log->peak_bytes = log->live_bytes;
    if (log->live_blocks > log->peak_blocks) log->peak_blocks = log->live_blocks;
}

static void remove_block(struct reader *reader, uint64_t address, struct place *place) {
    struct block *block = find_block(reader->log, address);
    if (block != NULL && block->freed == NULL) {
        take_off(reader->log, block, place);
        return;
    }
    struct trace_error error = {.kind = TRACE_NEVER_ALLOCATED, .address = address, .place = place};
    if (block != NULL) error.kind = TRACE_FREED_TWICE, error.before = block->freed;
    add_error(reader, error);
}

/* ---- lines ---- */

/* SIGN ADDRESS [SIZE] */
struct call {
    char sign;
    uint64_t address, size;
};

static bool parse_number(const char **text, uint64_t *number) {
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

static bool parse_call(const char *text, struct call *call) {
    bool has_size = *text == '+' || *text == '>' || *text == '!';
    call->sign = *text;
    call->size = 0;
    if ((!has_size && *text != '-' && *text != '<') || text[1] != ' ') return false;
    text += 2;
    if (!parse_number(&text, &call->address)) return false;
    if (has_size && (*text++ != ' ' || !parse_number(&text, &call->size))) return false;
    return *text == '\0';
}

static void follow(struct reader *reader, const struct call *call, struct place *place) {
    struct trace_log *log = reader->log;
    switch (call->sign) {
    case '+':
        if (call->address == 0)
            log->failures++;
        else
            log->allocations++, add_block(reader, call->address, call->size, place);
        break;
    case '-':
        log->frees++;
        remove_block(reader, call->address, place);
        break;
    case '<':
        remove_block(reader, call->address, place);
        break;
    case '>':
        log->reallocations++;
        add_block(reader, call->address, call->size, place);
        break;
    case '!':
        log->failures++;
        break;
    }
}

/* The call in the line, whose beginning becomes the place alone: "@ PLACE CALL", or "CALL". */
static const char *split(char *line, const char **place) {
    *place = "";
    if (strncmp(line, "@ ", 2) != 0) return line;
    char *end = strrchr(line, ']');
    if (end == NULL || end[1] != ' ') return NULL;
    end[1] = '\0';
    *place = line + 2;
    return end + 2;
}

static void read_line(struct reader *reader, char *line) {
    struct call call;
    const char *place;
    bool start = strcmp(line, "= Start") == 0;
    if (reader->line == 1 && !start) refuse(reader, "not a log of mtrace(3)");
    if (start || strcmp(line, "= End") == 0) return;
    const char *text = split(line, &place);
    if (text == NULL || !parse_call(text, &call)) refuse(reader, "not a line of an mtrace(3) log");
    follow(reader, &call, find_place(reader, place));
}

static void read_lines(struct reader *reader, FILE *file) {
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
        read_line(reader, line);
    }
    free(line);
    if (ferror(file)) err(EXIT_BAD_LOG, "%s", reader->path);
    if (reader->line == 0) errx(EXIT_BAD_LOG, "%s:1: the log is empty", reader->path);
}

struct trace_log *trace_log_read(const char *path) {
    struct reader reader = {.path = path, .log = xcalloc(1, sizeof(struct trace_log))};
    FILE *file = fopen(path, "re");
    if (file == NULL) err(EXIT_BAD_LOG, "%s", path);
    read_lines(&reader, file);
    fclose(file);
    return reader.log;
}

struct visit {
    void (*call)(const struct block *block, void *to);
    void *to;
};

static void visit_block(const void *node, VISIT order, void *argument) {
    const struct block *block = *(struct block *const *)node;
    const struct visit *visit = argument;
    if ((order == postorder || order == leaf) && block->freed == NULL)
        visit->call(block, visit->to);
}

void trace_log_for_each_live(const struct trace_log *log,
                             void (*call)(const struct block *block, void *to), void *to) {
    twalk_r(log->blocks, visit_block, &(struct visit){call, to});
}
