#include "symbols/symbols.h"

#include <elfutils/libdwfl.h>
#include <gelf.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/printable.h"
#include "common/survive.h"
#include "common/xalloc.h"
#include "proc/elf_file.h"
#include "proc/symbol_root.h"
#include "symbols/symbols_debug.h"

/* Each file has its own session, as if only that file were loaded, with a bias of 0. Files of
 * different processes can therefore not collide, even if they lie at the same addresses. */
struct symbols_module {
    struct symbols_module *next;
    char *path;
    Dwfl *session;
    Dwfl_Module *file; /* NULL if it cannot be read */
    struct debug_budget budget;
};

struct symbols {
    struct symbols_module *modules; /* the most recently used one first */
};

void symbols_close(struct symbols *symbols) {
    for (struct symbols_module *next, *module = symbols->modules; module != NULL; module = next) {
        next = module->next;
        dwfl_end(module->session);
        free(module->path);
        free(module);
    }
    free(symbols);
}

/* ---- modules ---- */

/* The directories with separate debug files: in the format of libdwfl, and those of them that are
 * not relative to the module's directory. */
static char *symbols_debug_path;
static char *symbols_debug_folders[] = {(char[]){"/usr/lib/debug"}, NULL};

static void symbols_set_debug_path(void) {
    if (symbols_debug_path != NULL || symbol_root() == NULL) return;
    symbols_debug_folders[1] = xasprintf("%s/usr/lib/debug", symbol_root());
    symbols_debug_path =
        xasprintf(":.debug:%s:%s", symbols_debug_folders[1], symbols_debug_folders[0]);
}

/* Returns true if opening the debug file that the module names cannot block, in any of the
 * directories where libdwfl looks for it. */
static bool symbols_link_cannot_block(const char *module, const char *link) {
    static const char *const relative[] = {".", ".debug", ".."};
    bool cannot_block = true;
    char *path = xstrdup(module), *folder;
    const char *directory = dirname(path);
    for (size_t i = 0; i < sizeof relative / sizeof relative[0]; i++) {
        folder = xasprintf("%s/%s", directory, relative[i]);
        cannot_block = cannot_block && elf_file_cannot_block(folder, link);
        free(folder);
    }
    for (size_t i = 0; i < 2 && symbols_debug_folders[i] != NULL; i++) {
        folder = xasprintf("%s/%s", symbols_debug_folders[i], directory);
        cannot_block = cannot_block && elf_file_cannot_block(folder, link) &&
                       elf_file_cannot_block(symbols_debug_folders[i], link);
        free(folder);
    }
    free(path);
    return cannot_block;
}

static int symbols_find_debuginfo(Dwfl_Module *module, void **data, const char *name,
                                  Dwarf_Addr base, const char *file, const char *link,
                                  GElf_Word sum, char **found) {
    if (link != NULL && !symbols_link_cannot_block(file, link)) return -1;
    return dwfl_standard_find_debuginfo(module, data, name, base, file, link, sum, found);
}

static const Dwfl_Callbacks symbols_callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = symbols_find_debuginfo,
    .section_address = dwfl_offline_section_address,
    .debuginfo_path = &symbols_debug_path,
};

struct symbols *symbols_open(void) {
    symbols_set_debug_path();
    return xcalloc(1, sizeof(struct symbols));
}

static void symbols_begin_session(void *context) {
    struct symbols_module *module = context;
    int fd = elf_file_open(module->path);
    module->session = fd < 0 ? NULL : dwfl_begin(&symbols_callbacks);
    if (module->session != NULL) {
        dwfl_report_begin(module->session);
        module->file = dwfl_report_elf(module->session, module->path, module->path, fd, 0, true);
        dwfl_report_end(module->session, NULL, NULL);
    }
    if (module->file == NULL && fd >= 0) close(fd); /* otherwise it belongs to the session */
}

/* Calls a function that uses the module's file. If it crashes, the file is not used again. */
static bool symbols_use(struct symbols_module *module, void (*call)(void *context), void *context) {
    if (survive(call, context)) return true;
    module->session = NULL;
    module->file = NULL;
    return false;
}

static struct symbols_module *symbols_open_module(const char *path) {
    struct symbols_module *module = xcalloc(1, sizeof *module);
    module->path = xstrdup(path);
    symbols_use(module, symbols_begin_session, module);
    return module;
}

static struct symbols_module *symbols_find_module(struct symbols *symbols, const char *path) {
    struct symbols_module **at = &symbols->modules;
    while (*at != NULL && strcmp((*at)->path, path) != 0) at = &(*at)->next;
    struct symbols_module *module = *at;
    if (module == NULL)
        module = symbols_open_module(path);
    else
        *at = module->next;
    module->next = symbols->modules;
    return symbols->modules = module;
}

struct symbols_segment_search {
    struct symbols_module *module;
    bool (*matches)(const GElf_Phdr *segment, uint64_t value);
    uint64_t value;
    GElf_Phdr segment;
    bool found;
};

/* Finds the first loadable segment that matches. */
static void symbols_search_segments(void *context) {
    struct symbols_segment_search *search = context;
    GElf_Addr bias;
    size_t count;
    Elf *elf = dwfl_module_getelf(search->module->file, &bias);
    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return;
    for (size_t i = 0; i < count && !search->found; i++)
        search->found = gelf_getphdr(elf, (int)i, &search->segment) != NULL &&
                        search->segment.p_type == PT_LOAD &&
                        search->matches(&search->segment, search->value);
}

static bool symbols_find_segment(struct symbols_module *module,
                                 bool (*matches)(const GElf_Phdr *, uint64_t), uint64_t value,
                                 GElf_Phdr *segment) {
    struct symbols_segment_search search = {.module = module, .matches = matches, .value = value};
    if (module->file == NULL || !symbols_use(module, symbols_search_segments, &search))
        return false;
    *segment = search.segment;
    return search.found;
}

static bool symbols_is_any_segment(const GElf_Phdr *segment, uint64_t value) {
    (void)segment, (void)value;
    return true;
}

static bool symbols_has_file_offset(const GElf_Phdr *segment, uint64_t value) {
    return value - segment->p_offset < segment->p_filesz;
}

/* The segments are sorted by address, and the module begins at the start of the first segment's
 * page. */
uint64_t symbols_first_address(struct symbols *symbols, const char *path) {
    GElf_Phdr segment;
    if (!symbols_find_segment(symbols_find_module(symbols, path), symbols_is_any_segment, 0,
                              &segment))
        return 0;
    return segment.p_align > 1 ? segment.p_vaddr & -segment.p_align : segment.p_vaddr;
}

/* ---- symbol tables ---- */

/* Returns the demangled name of the address in the symbol table, or NULL. */
static char *symbols_table_name(struct symbols_module *module, uint64_t offset) {
    GElf_Off inside;
    GElf_Sym symbol;
    const char *name =
        dwfl_module_addrinfo(module->file, offset, &inside, &symbol, NULL, NULL, NULL);
    /* For an address after the end of a function, libdwfl can only guess. */
    if (name == NULL || (symbol.st_size != 0 && inside >= symbol.st_size)) return NULL;
    return symbols_demangle(name);
}

/* ---- look-up ---- */

/* A limit, because a hostile file could repeat a very long name in every line. */
#define FILE_NAME_MAX 4096

char *symbols_copy_name(const char *name) {
    char *copy = xstrndup(name, FILE_NAME_MAX);
    make_printable(copy, strlen(copy), "");
    return copy;
}

struct symbols_query {
    struct symbols_module *module;
    uint64_t offset;
    struct symbol_list *list;
};

static void symbols_look_up(void *context) {
    const struct symbols_query *query = context;
    struct symbol_list *list = query->list;
    debug_find(query->module->file, query->offset, list, &query->module->budget);
    if (list->count == 0) list->count = 1;
    struct symbol *last = &list->symbol[list->count - 1];
    if (last->function == NULL) last->function = symbols_table_name(query->module, query->offset);
    if (last->function == NULL && last->file == NULL) symbol_list_clear(list);
}

void symbols_find(struct symbols *symbols, const char *path, uint64_t offset,
                  struct symbol_list *list) {
    struct symbols_query query = {symbols_find_module(symbols, path), offset, list};
    memset(list, 0, sizeof *list);
    if (query.module->file == NULL) return;
    if (!symbols_use(query.module, symbols_look_up, &query)) memset(list, 0, sizeof *list);
    for (size_t i = 0; i < list->count; i++)
        if (list->symbol[i].function != NULL)
            make_printable(list->symbol[i].function, strlen(list->symbol[i].function), "");
}

void symbol_list_clear(struct symbol_list *list) {
    for (size_t i = 0; i < list->count; i++) {
        free(list->symbol[i].function);
        free(list->symbol[i].file);
    }
    list->count = 0;
}

/* ---- places in files ---- */

static bool symbols_offset_of(struct symbols *symbols, const char *path, uint64_t place,
                              uint64_t *offset) {
    GElf_Phdr segment;
    if (!symbols_find_segment(symbols_find_module(symbols, path), symbols_has_file_offset, place,
                              &segment))
        return false;
    *offset = place - segment.p_offset + segment.p_vaddr;
    return true;
}

void symbols_find_in_file(struct symbols *symbols, const char *path, uint64_t place,
                          struct symbol_list *list) {
    uint64_t offset;
    list->count = 0;
    if (symbols_offset_of(symbols, path, place, &offset)) symbols_find(symbols, path, offset, list);
}

struct symbols_calls_query {
    struct symbols_module *module;
    uint64_t offset, place;
    struct symbol_calls *calls;
};

static void symbols_look_up_calls(void *context) {
    const struct symbols_calls_query *query = context;
    debug_find_calls(query->module->file, query->offset, query->place, query->calls,
                     &query->module->budget);
}

void symbols_find_calls(struct symbols *symbols, const char *path, uint64_t place,
                        struct symbol_calls *calls) {
    struct symbols_calls_query query = {.place = place, .calls = calls};
    *calls = (struct symbol_calls){.count = 0};
    if (!symbols_offset_of(symbols, path, place, &query.offset)) return;
    query.module = symbols_find_module(symbols, path);
    if (query.module->file == NULL) return;
    if (!symbols_use(query.module, symbols_look_up_calls, &query))
        *calls = (struct symbol_calls){.count = 0};
}

struct symbols_id_check {
    Dwfl_Module *file;
    const unsigned char *id;
    size_t id_bytes;
    bool same;
};

static void symbols_check_id(void *context) {
    struct symbols_id_check *check = context;
    const unsigned char *id;
    GElf_Addr address, bias;
    if (dwfl_module_getelf(check->file, &bias) == NULL) return;
    int count = dwfl_module_build_id(check->file, &id, &address);
    check->same = count > 0 && (size_t)count == check->id_bytes &&
                  memcmp(id, check->id, check->id_bytes) == 0;
}

bool symbols_has_id(struct symbols *symbols, const char *path, const unsigned char *id,
                    size_t id_bytes) {
    struct symbols_module *module = symbols_find_module(symbols, path);
    struct symbols_id_check check = {.file = module->file, .id = id, .id_bytes = id_bytes};
    return module->file != NULL && symbols_use(module, symbols_check_id, &check) && check.same;
}

/* ---- running processes ---- */

const char *symbols_module_at(struct symbols *symbols, const struct process_map *map,
                              uint64_t address, uint64_t *offset) {
    struct mapped_file *file = process_map_find(map, address);
    if (file == NULL) return NULL;
    const char *path = process_map_local_path(map, file);
    return symbols_offset_of(symbols, path, address - file->start + file->offset, offset) ? path
                                                                                          : NULL;
}
