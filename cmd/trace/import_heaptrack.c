/*
 * Reads the files that heaptrack writes when it has interpreted what it recorded: lines that begin
 * with a letter, and numbers in hexadecimal. They have neither addresses of blocks nor threads, and
 * say which allocation of the same size and stack a free undoes only by its kind. The trace has
 * addresses that no two live blocks share; a free takes the newest block of its kind.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "trace/import.h"

#define HEAPTRACK_FORMAT_MIN 2 /* of heaptrack 1.3 */
#define HEAPTRACK_FORMAT_MAX 3 /* of heaptrack 1.4 and 1.5, Debian 12 and 13 */
#define HEAPTRACK_FIRST_ADDRESS ((uint64_t)1 << 32)
#define HEAPTRACK_BLOCK_STEP 16u
#define HEAPTRACK_RESOLUTION 1000000u /* nanoseconds: times are milliseconds */

struct heaptrack_code { /* a place in the program, with the functions that are inlined there */
    uint64_t pc;
    uint32_t module;
    size_t first, count; /* in the list of symbols */
};

struct heaptrack_kind { /* allocations of one size and stack */
    uint64_t size;
    uint32_t stack;
    uint64_t *free, *live; /* addresses */
    size_t free_count, live_count;
};

struct heaptrack {
    struct import_file *file;
    const char *at; /* in the line */
    int fd;
    struct trace_writer *writer; /* NULL before the first event or table */
    uint64_t format, page_size, time;
    uint64_t next_address;
    char *version, *command;
    char **strings; /* the number of the first is 1, as that of all lists */
    uint32_t *modules;
    struct heaptrack_code *codes;
    uint32_t *symbols; /* of all codes, the innermost function first */
    uint32_t *stacks;  /* the frames of the trace */
    struct heaptrack_kind *kinds;
    size_t string_count, code_count, symbol_count, stack_count, kind_count;
};

/* ---- parts of a line ---- */

static bool heaptrack_has_more(struct heaptrack *from) {
    while (*from->at == ' ') from->at++;
    return *from->at != '\0';
}

static uint64_t heaptrack_number(struct heaptrack *from) {
    char *end;
    if (!heaptrack_has_more(from)) import_refuse(from->file, "a number is missing");
    if (strspn(from->at, "0123456789abcdef") == 0)
        import_refuse(from->file, "'%.20s' is not a hexadecimal number", from->at);
    errno = 0;
    uint64_t number = strtoull(from->at, &end, 16);
    if (errno != 0) import_refuse(from->file, "a number is too large");
    from->at = end;
    return number;
}

/* Returns the number of a member of a list with so many members, or 0: none. */
static size_t heaptrack_index(struct heaptrack *from, size_t count) {
    uint64_t index = heaptrack_number(from);
    if (index > count)
        import_refuse(from->file, "refers to entry %llx of %zx", (unsigned long long)index, count);
    return (size_t)index;
}

/* ---- tables ---- */

/* X COMMAND is one text with spaces between the arguments. */
static void heaptrack_begin(struct heaptrack *from) {
    if (from->writer != NULL) return;
    char *command = from->command == NULL ? xstrdup("") : from->command;
    size_t program = strcspn(command, " "), length = strlen(command);
    char *path = xstrndup(command, program);
    for (size_t i = 0; i < length; i++)
        if (command[i] == ' ') command[i] = '\0';
    from->writer = import_begin(
        from->fd,
        &(struct mallow_trace_facts){.allocator = "",
                                     .machine = "",
                                     .recorder = from->version,
                                     .page_size = (uint32_t)from->page_size,
                                     .resolution = HEAPTRACK_RESOLUTION,
                                     .has_stacks = true},
        &(struct mallow_trace_process){
            .program = path, .arguments = command, .arguments_bytes = length + (length != 0)});
    free(path);
    free(command);
    from->command = NULL;
}

static void heaptrack_add_string(struct heaptrack *from) {
    size_t length = from->format < 3 ? SIZE_MAX : (size_t)heaptrack_number(from);
    if (*from->at == ' ') from->at++;
    if (length != SIZE_MAX && strlen(from->at) != length)
        import_refuse(from->file, "the text has %zu bytes and not the %zu that are stated",
                      strlen(from->at), length);
    char *text = xstrdup(from->at);
    make_printable(text, strlen(text), "");
    from->strings = xgrow(from->strings, from->string_count, sizeof *from->strings);
    from->modules = xgrow(from->modules, from->string_count, sizeof *from->modules);
    from->modules[from->string_count] = 0;
    from->strings[from->string_count++] = text;
}

static const char *heaptrack_string(const struct heaptrack *from, size_t index) {
    return index == 0 ? "" : from->strings[index - 1];
}

static uint32_t heaptrack_module(struct heaptrack *from, size_t index) {
    if (index == 0) return 0;
    uint32_t *module = &from->modules[index - 1];
    if (*module == 0)
        *module = trace_writer_module(from->writer, &(struct mallow_trace_module){
                                                        .process = 1,
                                                        .path = heaptrack_string(from, index),
                                                    });
    return *module;
}

static void heaptrack_add_symbol(struct heaptrack *from, const struct mallow_trace_symbol *symbol) {
    from->symbols = xgrow(from->symbols, from->symbol_count, sizeof *from->symbols);
    from->symbols[from->symbol_count++] = trace_writer_symbol(from->writer, symbol);
}

/* i PC MODULE [FUNCTION [FILE LINE]]..., the innermost function first. Each but the last one is
 * inlined into the next. */
static void heaptrack_add_code(struct heaptrack *from) {
    struct heaptrack_code code = {.pc = heaptrack_number(from), .first = from->symbol_count};
    struct mallow_trace_symbol symbol = {.function = "", .file = ""};
    code.module = heaptrack_module(from, heaptrack_index(from, from->string_count));
    for (bool is_first = true; heaptrack_has_more(from); is_first = false) {
        symbol.is_inlined = true;
        if (!is_first) heaptrack_add_symbol(from, &symbol);
        symbol.function = heaptrack_string(from, heaptrack_index(from, from->string_count));
        if (!heaptrack_has_more(from)) break;
        symbol.file = heaptrack_string(from, heaptrack_index(from, from->string_count));
        symbol.line = (uint32_t)heaptrack_number(from);
    }
    symbol.is_inlined = false;
    heaptrack_add_symbol(from, &symbol);
    code.count = from->symbol_count - code.first;
    from->codes = xgrow(from->codes, from->code_count, sizeof *from->codes);
    from->codes[from->code_count++] = code;
}

/* t CODE CALLER */
static void heaptrack_add_stack(struct heaptrack *from) {
    size_t code = heaptrack_index(from, from->code_count);
    size_t caller = heaptrack_index(from, from->stack_count);
    if (code == 0) import_refuse(from->file, "a frame of a stack is missing");
    const struct heaptrack_code *place = &from->codes[code - 1];
    uint32_t frame = caller == 0 ? 0 : from->stacks[caller - 1];
    for (size_t i = place->count; i-- > 0;)
        frame = trace_writer_named_frame(
            from->writer, &(struct mallow_trace_frame){.pc = place->pc,
                                                       .caller = frame,
                                                       .module = place->module,
                                                       .symbol = from->symbols[place->first + i]});
    from->stacks = xgrow(from->stacks, from->stack_count, sizeof *from->stacks);
    from->stacks[from->stack_count++] = frame;
}

/* a SIZE STACK */
static void heaptrack_add_kind(struct heaptrack *from) {
    struct heaptrack_kind kind = {.size = heaptrack_number(from)};
    size_t stack = heaptrack_index(from, from->stack_count);
    kind.stack = stack == 0 ? 0 : from->stacks[stack - 1];
    from->kinds = xgrow(from->kinds, from->kind_count, sizeof *from->kinds);
    from->kinds[from->kind_count++] = kind;
}

/* ---- events ---- */

static uint64_t heaptrack_address(struct heaptrack *from, struct heaptrack_kind *kind) {
    if (kind->free_count != 0) return kind->free[--kind->free_count];
    uint64_t address = from->next_address;
    uint64_t steps = kind->size / HEAPTRACK_BLOCK_STEP + 1;
    from->next_address += steps * HEAPTRACK_BLOCK_STEP;
    return address;
}

/* The kinds are numbered from 0. */
static struct heaptrack_kind *heaptrack_kind(struct heaptrack *from) {
    return &from->kinds[heaptrack_index(from, from->kind_count - 1)];
}

/* + KIND */
static void heaptrack_allocate(struct heaptrack *from) {
    struct heaptrack_kind *kind = heaptrack_kind(from);
    uint64_t address = heaptrack_address(from, kind);
    kind->live = xgrow(kind->live, kind->live_count, sizeof *kind->live);
    kind->live[kind->live_count++] = address;
    import_add(from->writer, &(struct mallow_trace_event){.kind = MALLOW_TRACE_MALLOC,
                                                          .time = from->time,
                                                          .thread = 1,
                                                          .stack = kind->stack,
                                                          .size = kind->size,
                                                          .address = address});
}

/* - KIND. heaptrack does not record where a block is freed. */
static void heaptrack_free(struct heaptrack *from) {
    struct heaptrack_kind *kind = heaptrack_kind(from);
    if (kind->live_count == 0) import_refuse(from->file, "frees a block that was not allocated");
    uint64_t address = kind->live[--kind->live_count];
    kind->free = xgrow(kind->free, kind->free_count, sizeof *kind->free);
    kind->free[kind->free_count++] = address;
    import_add(from->writer, &(struct mallow_trace_event){.kind = MALLOW_TRACE_FREE,
                                                          .time = from->time,
                                                          .thread = 1,
                                                          .old_address = address});
}

/* R PAGES */
static void heaptrack_add_resident(struct heaptrack *from) {
    import_add(from->writer,
               &(struct mallow_trace_event){.kind = MALLOW_TRACE_RESIDENT,
                                            .time = from->time,
                                            .thread = 1,
                                            .size = heaptrack_number(from) * from->page_size});
}

/* ---- the file ---- */

/* v VERSION FORMAT */
static void heaptrack_read_version(struct heaptrack *from) {
    uint64_t version = heaptrack_number(from);
    from->format = heaptrack_number(from);
    if (from->format < HEAPTRACK_FORMAT_MIN || from->format > HEAPTRACK_FORMAT_MAX)
        import_refuse(from->file,
                      "heaptrack's format %llu is not known, only %d and %d; a file of another "
                      "version can be recorded again with heaptrack 1.3 to 1.5",
                      (unsigned long long)from->format, HEAPTRACK_FORMAT_MIN, HEAPTRACK_FORMAT_MAX);
    from->version =
        xasprintf("heaptrack %llu.%llu.%llu", (unsigned long long)version >> 16,
                  (unsigned long long)version >> 8 & 255, (unsigned long long)version & 255);
}

/* Lines before the first event or table. */
static bool heaptrack_read_head(struct heaptrack *from, char letter) {
    if (from->writer != NULL) return false;
    if (letter == 'x' || letter == 'm')
        import_refuse(from->file,
                      "is what heaptrack records, without functions: convert it with "
                      "/usr/lib/heaptrack/libexec/heaptrack_interpret first");
    if (letter == 'X') {
        free(from->command);
        from->command = xstrdup(from->at + (*from->at == ' '));
    } else if (letter == 'I') {
        from->page_size = heaptrack_number(from);
    } else {
        return false;
    }
    return true;
}

/* Lines of other letters are what heaptrack found out for itself, such as A, after which it counts
 * again, and S, a suppression. */
static void heaptrack_read_line(struct heaptrack *from) {
    static void (*const read[128])(struct heaptrack *from) = {
        ['s'] = heaptrack_add_string,   ['i'] = heaptrack_add_code, ['t'] = heaptrack_add_stack,
        ['a'] = heaptrack_add_kind,     ['+'] = heaptrack_allocate, ['-'] = heaptrack_free,
        ['R'] = heaptrack_add_resident,
    };
    unsigned char letter = (unsigned char)from->file->text[0];
    from->at = from->file->text + (letter != '\0');
    if (letter == '\0' || letter == '#' || heaptrack_read_head(from, (char)letter)) return;
    if (letter >= sizeof read / sizeof *read || (*from->at != ' ' && *from->at != '\0'))
        import_refuse(from->file, "is not a line of a file of heaptrack");
    if (letter == 'c') from->time = heaptrack_number(from) * HEAPTRACK_RESOLUTION;
    if (read[letter] == NULL) return;
    if ((letter == '+' || letter == '-') && from->kind_count == 0)
        import_refuse(from->file, "refers to an allocation that is not described");
    heaptrack_begin(from);
    read[letter](from);
}

static void heaptrack_clear(struct heaptrack *from) {
    for (size_t i = 0; i < from->string_count; i++) free(from->strings[i]);
    for (size_t i = 0; i < from->kind_count; i++) {
        free(from->kinds[i].free);
        free(from->kinds[i].live);
    }
    free(from->strings);
    free(from->modules);
    free(from->codes);
    free(from->symbols);
    free(from->stacks);
    free(from->kinds);
    free(from->version);
}

struct trace_writer *import_heaptrack(struct import_file *file, int fd) {
    struct heaptrack from = {
        .file = file, .fd = fd, .page_size = 4096, .next_address = HEAPTRACK_FIRST_ADDRESS};
    from.at = file->text + 1;
    heaptrack_read_version(&from);
    while (import_next_line(file)) heaptrack_read_line(&from);
    heaptrack_begin(&from);
    heaptrack_clear(&from);
    return from.writer;
}
