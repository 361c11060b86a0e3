#include "trace/trace_log.h"

#include <err.h>
#include <errno.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/xalloc.h"

/* The position in the log. */
struct trace_log_reader {
    const char *path;
    size_t line;
    struct trace_log *log;
    void (*call)(const struct trace_log_call *call, struct trace_site *site, void *context);
    void *context;
};

static _Noreturn void trace_log_refuse(const struct trace_log_reader *reader, const char *what) {
    errx(EXIT_BAD_LOG, "%s:%zu: %s", reader->path, reader->line, what);
}

/* ---- call sites ---- */

static int trace_log_compare_sites(const void *a, const void *b) {
    return strcmp(((const struct trace_site *)a)->text, ((const struct trace_site *)b)->text);
}

/* Parses OBJECT:(SYMBOL+OFFSET)[ADDRESS], in which unknown parts are missing. Parses backwards,
 * because an object's name can contain any character. */
static bool trace_log_parse_site(struct trace_site *site) {
    const char *text = site->text, *bracket = strrchr(text, '['), *end = bracket;
    int length = 0;
    if (*text == '\0') return true;
    if (bracket == NULL || sscanf(bracket, "[0x%lx]%n", &site->offset, &length) != 1 ||
        bracket[length] != '\0')
        return false;
    const char *parenthesis = bracket > text && bracket[-1] == ')' ? strrchr(text, '(') : NULL;
    if (parenthesis != NULL) {
        size_t symbol = strcspn(parenthesis + 1, "+)");
        site->symbol = xstrndup(parenthesis + 1, symbol);
        end = parenthesis;
    }
    if (end == text) return true;
    if (end[-1] != ':') return false;
    site->object = xstrndup(text, (size_t)(end - 1 - text));
    return true;
}

static struct trace_site *trace_log_find_site(struct trace_log_reader *reader, const char *text) {
    struct trace_site *added = xcalloc(1, sizeof *added);
    added->text = text;
    struct trace_site *found = *(struct trace_site **)xnonnull(
        tsearch(added, &reader->log->sites, trace_log_compare_sites));
    if (found != added) {
        free(added);
        return found;
    }
    added->text = xstrdup(text);
    if (!trace_log_parse_site(added)) trace_log_refuse(reader, "the caller is malformed");
    return added;
}

/* ---- blocks ---- */

static int trace_log_compare_blocks(const void *a, const void *b) {
    uint64_t left = ((const struct trace_block *)a)->address,
             right = ((const struct trace_block *)b)->address;
    return left < right ? -1 : left > right;
}

static struct trace_block *trace_log_find_block(struct trace_log *log, uint64_t address) {
    struct trace_block key = {.address = address};
    struct trace_block **found = tfind(&key, &log->blocks, trace_log_compare_blocks);
    return found == NULL ? NULL : *found;
}

static void trace_log_add_error(const struct trace_log_reader *reader, struct trace_error error) {
    struct trace_log *log = reader->log;
    error.line = reader->line;
    log->errors = xgrow(log->errors, log->error_count, sizeof error);
    log->errors[log->error_count++] = error;
}

static void trace_log_mark_freed(struct trace_log *log, struct trace_block *block,
                                 struct trace_site *site) {
    block->freed_at = site;
    log->live_bytes -= block->size;
    log->live_blocks--;
}

static void trace_log_add_block(struct trace_log_reader *reader, uint64_t address, uint64_t size,
                                struct trace_site *site) {
    struct trace_log *log = reader->log;
    struct trace_block *block = trace_log_find_block(log, address);
    if (block == NULL) {
        block = xcalloc(1, sizeof *block);
        block->address = address;
        xnonnull(tsearch(block, &log->blocks, trace_log_compare_blocks));
    } else if (block->freed_at == NULL) {
        trace_log_add_error(reader, (struct trace_error){.kind = TRACE_ALLOCATED_TWICE,
                                                         .address = address,
                                                         .site = site,
                                                         .previous = block->allocated_at});
        trace_log_mark_freed(log, block, site);
    }
    *block = (struct trace_block){address, size, site, NULL};
    log->allocated_bytes += size;
    log->live_bytes += size;
    log->live_blocks++;
    if (log->live_bytes > log->peak_bytes) log->peak_bytes = log->live_bytes;
    if (log->live_blocks > log->peak_blocks) log->peak_blocks = log->live_blocks;
}

static void trace_log_remove_block(struct trace_log_reader *reader, uint64_t address,
                                   struct trace_site *site) {
    struct trace_block *block = trace_log_find_block(reader->log, address);
    if (block != NULL && block->freed_at == NULL) {
        trace_log_mark_freed(reader->log, block, site);
        return;
    }
    struct trace_error error = {.kind = TRACE_NEVER_ALLOCATED, .address = address, .site = site};
    if (block != NULL) error.kind = TRACE_FREED_TWICE, error.previous = block->freed_at;
    trace_log_add_error(reader, error);
}

/* ---- lines ---- */

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

/* Parses the part of a line after the call site: SIGN ADDRESS [SIZE]. */
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

static void trace_log_apply(const struct trace_log_call *call, struct trace_site *site,
                            void *context) {
    struct trace_log_reader *reader = context;
    struct trace_log *log = reader->log;
    switch (call->sign) {
    case '+':
        if (call->address == 0)
            log->failures++;
        else
            log->allocations++, trace_log_add_block(reader, call->address, call->size, site);
        break;
    case '-':
        log->frees++;
        trace_log_remove_block(reader, call->address, site);
        break;
    case '<':
        trace_log_remove_block(reader, call->address, site);
        break;
    case '>':
        log->reallocations++;
        trace_log_add_block(reader, call->address, call->size, site);
        break;
    case '!':
        log->failures++;
        break;
    }
}

/* Splits a line "@ SITE CALL" or "CALL". Returns the call, or NULL if the line has another form,
 * and stores the site. */
static const char *trace_log_split_line(char *line, const char **site) {
    *site = "";
    if (strncmp(line, "@ ", 2) != 0) return line;
    char *end = strrchr(line, ']');
    if (end == NULL || end[1] != ' ') return NULL;
    end[1] = '\0';
    *site = line + 2;
    return end + 2;
}

static void trace_log_read_line(struct trace_log_reader *reader, char *line) {
    struct trace_log_call call;
    const char *site;
    bool start = strcmp(line, "= Start") == 0;
    if (reader->line == 1 && !start) trace_log_refuse(reader, "not a log of mtrace(3)");
    if (start || strcmp(line, "= End") == 0) return;
    const char *text = trace_log_split_line(line, &site);
    if (text == NULL || !trace_log_parse_call(text, &call))
        trace_log_refuse(reader, "not a line of an mtrace(3) log");
    reader->call(&call, trace_log_find_site(reader, site), reader->context);
}

static void trace_log_read_lines(struct trace_log_reader *reader, FILE *file) {
    char *line = NULL;
    size_t size = 0;
    ssize_t length;
    while ((length = getline(&line, &size, file)) > 0) {
        reader->line++;
        if (line[length - 1] != '\n') { /* the process was killed while it wrote the line */
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

static void trace_log_read_file(struct trace_log_reader *reader) {
    FILE *file = fopen(reader->path, "re");
    if (file == NULL) err(EXIT_BAD_LOG, "%s", reader->path);
    trace_log_read_lines(reader, file);
    fclose(file);
}

struct trace_log *trace_log_read(const char *path) {
    struct trace_log_reader reader = {.path = path,
                                      .log = xcalloc(1, sizeof(struct trace_log)),
                                      .call = trace_log_apply,
                                      .context = &reader};
    trace_log_read_file(&reader);
    return reader.log;
}

void trace_log_each_call(const char *path,
                         void (*call)(const struct trace_log_call *call, struct trace_site *site,
                                      void *context),
                         void *context) {
    struct trace_log sites = {.sites = NULL};
    trace_log_read_file(
        &(struct trace_log_reader){.path = path, .log = &sites, .call = call, .context = context});
}

struct trace_log_visit {
    void (*call)(const struct trace_block *block, void *context);
    void *context;
};

static void trace_log_visit_block(const void *node, VISIT order, void *argument) {
    const struct trace_block *block = *(struct trace_block *const *)node;
    const struct trace_log_visit *visit = argument;
    if ((order == postorder || order == leaf) && block->freed_at == NULL)
        visit->call(block, visit->context);
}

void trace_log_for_each_live(const struct trace_log *log,
                             void (*call)(const struct trace_block *block, void *context),
                             void *context) {
    twalk_r(log->blocks, trace_log_visit_block, &(struct trace_log_visit){call, context});
}
