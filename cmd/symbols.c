#include "symbols.h"

#include <dwarf.h>
#include <elfutils/libdw.h>
#include <elfutils/libdwfl.h>
#include <err.h>
#include <gelf.h>
#include <libiberty/demangle.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

/* Each file has a session of its own, as if it alone were loaded and with a bias of 0: files of
 * different processes, which may lie at the same addresses, do not meet. */
struct module {
    struct module *next;
    char *path;
    Dwfl *session;
    Dwfl_Module *file; /* NULL: it cannot be read */
};

struct symbols {
    struct module *modules; /* the last one asked for first */
};

static void *or_fail(void *allocated) {
    if (allocated == NULL) err(EXIT_OWN_FAILURE, NULL);
    return allocated;
}

struct symbols *symbols_open(void) {
    return or_fail(calloc(1, sizeof(struct symbols)));
}

void symbols_close(struct symbols *symbols) {
    for (struct module *next, *module = symbols->modules; module != NULL; module = next) {
        next = module->next;
        dwfl_end(module->session);
        free(module->path);
        free(module);
    }
    free(symbols);
}

/* ---- modules ---- */

static const Dwfl_Callbacks callbacks = {
    .find_elf = dwfl_build_id_find_elf,
    .find_debuginfo = dwfl_standard_find_debuginfo,
};

static struct module *open_module(const char *path) {
    struct module *module = or_fail(calloc(1, sizeof *module));
    module->path = or_fail(strdup(path));
    module->session = dwfl_begin(&callbacks);
    if (module->session == NULL) return module;
    dwfl_report_begin(module->session);
    module->file = dwfl_report_elf(module->session, path, path, -1, 0, true);
    dwfl_report_end(module->session, NULL, NULL);
    return module;
}

static struct module *find_module(struct symbols *symbols, const char *path) {
    struct module **at = &symbols->modules;
    while (*at != NULL && strcmp((*at)->path, path) != 0) at = &(*at)->next;
    struct module *module = *at;
    if (module == NULL)
        module = open_module(path);
    else
        *at = module->next;
    module->next = symbols->modules;
    return symbols->modules = module;
}

/* Calls back for each loadable segment until one is the right one. */
static bool find_segment(struct module *module, bool (*is_right)(const GElf_Phdr *, uint64_t),
                         uint64_t value, GElf_Phdr *segment) {
    GElf_Addr bias;
    size_t count;
    Elf *elf = module->file == NULL ? NULL : dwfl_module_getelf(module->file, &bias);
    if (elf == NULL || elf_getphdrnum(elf, &count) != 0) return false;
    for (size_t i = 0; i < count; i++)
        if (gelf_getphdr(elf, (int)i, segment) != NULL && segment->p_type == PT_LOAD &&
            is_right(segment, value))
            return true;
    return false;
}

static bool is_any(const GElf_Phdr *segment, uint64_t value) {
    (void)segment, (void)value;
    return true;
}

static bool has_file_offset(const GElf_Phdr *segment, uint64_t value) {
    return value - segment->p_offset < segment->p_filesz;
}

/* Segments are in order of their addresses, and begin in memory at the start of a page. */
uint64_t symbols_first_address(struct symbols *symbols, const char *path) {
    GElf_Phdr segment;
    if (!find_segment(find_module(symbols, path), is_any, 0, &segment)) return 0;
    return segment.p_align > 1 ? segment.p_vaddr & -segment.p_align : segment.p_vaddr;
}

/* ---- names ---- */

char *symbols_demangle(const char *name) {
    char *demangled = cplus_demangle(name, DMGL_PARAMS | DMGL_ANSI | DMGL_AUTO);
    return demangled != NULL ? demangled : or_fail(strdup(name));
}

static const char *linkage_name(Dwarf_Die *function) {
    Dwarf_Attribute attribute;
    const char *name =
        dwarf_formstring(dwarf_attr_integrate(function, DW_AT_linkage_name, &attribute));
    if (name == NULL)
        name =
            dwarf_formstring(dwarf_attr_integrate(function, DW_AT_MIPS_linkage_name, &attribute));
    return name;
}

/* The function as it is written in the source: what an inlined or specialised one is made from. */
static Dwarf_Die declaration_of(Dwarf_Die die) {
    static const unsigned names[] = {DW_AT_abstract_origin, DW_AT_specification};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        Dwarf_Attribute attribute;
        Dwarf_Die found;
        if (dwarf_formref_die(dwarf_attr(&die, names[i], &attribute), &found) != NULL) die = found;
    }
    return die;
}

static bool has_members(Dwarf_Die *die) {
    int tag = dwarf_tag(die);
    return tag == DW_TAG_namespace || tag == DW_TAG_structure_type || tag == DW_TAG_class_type;
}

/* Of a function that the linker has not seen: with the names of what it is a member of. */
static char *qualified_name(Dwarf_Die *function) {
    const char *name = dwarf_diename(function);
    Dwarf_Die declaration = declaration_of(*function), *scopes = NULL;
    char *full = name == NULL ? NULL : or_fail(strdup(name));
    int count = full == NULL ? 0 : dwarf_getscopes_die(&declaration, &scopes);
    for (int i = 1; i < count; i++) {
        const char *outer = has_members(&scopes[i]) ? dwarf_diename(&scopes[i]) : NULL;
        char *inner = full;
        if (outer == NULL) continue;
        if (asprintf(&full, "%s::%s", outer, inner) < 0) or_fail(NULL);
        free(inner);
    }
    free(scopes);
    return full;
}

static char *function_name(Dwarf_Die *function) {
    const char *name = linkage_name(function);
    return name == NULL ? qualified_name(function) : symbols_demangle(name);
}

/* The name that the symbol table has for the address. */
static char *table_name(struct module *module, uint64_t offset) {
    GElf_Off inside;
    GElf_Sym symbol;
    const char *name =
        dwfl_module_addrinfo(module->file, offset, &inside, &symbol, NULL, NULL, NULL);
    /* What it has for an address behind the end of a function is a guess. */
    if (name == NULL || (symbol.st_size != 0 && inside >= symbol.st_size)) return NULL;
    return symbols_demangle(name);
}

/* ---- debug information ---- */

/* The index of addresses (.debug_aranges), which not all compilers write, or a search. */
static Dwarf_Die *find_unit(struct module *module, uint64_t offset, Dwarf_Addr *bias) {
    Dwarf_Die *unit = dwfl_module_addrdie(module->file, offset, bias);
    if (unit != NULL) return unit;
    while ((unit = dwfl_module_nextcu(module->file, unit, bias)) != NULL)
        if (dwarf_haspc(unit, offset - *bias) == 1) return unit;
    return NULL;
}

static void set_line(struct symbol *symbol, Dwarf_Die *unit, uint64_t address) {
    Dwarf_Line *line = dwarf_getsrc_die(unit, address);
    if (line == NULL) return;
    symbol->file = dwarf_linesrc(line, NULL, NULL);
    if (dwarf_lineno(line, &symbol->line) != 0) symbol->line = 0;
}

static int number(Dwarf_Die *die, unsigned name) {
    Dwarf_Attribute attribute;
    Dwarf_Word value;
    Dwarf_Attribute *found = dwarf_attr(die, name, &attribute);
    return dwarf_formudata(found, &value) == 0 ? (int)value : 0;
}

/* Where an inlined function was called. */
static void set_call(struct symbol *symbol, Dwarf_Die *unit, Dwarf_Die *inlined) {
    Dwarf_Files *files;
    size_t count;
    size_t index = (size_t)number(inlined, DW_AT_call_file);
    if (dwarf_getsrcfiles(unit, &files, &count) == 0 && index < count)
        symbol->file = dwarf_filesrc(files, index, NULL, NULL);
    symbol->line = number(inlined, DW_AT_call_line);
}

/* Scopes around an address, the outermost first. */
#define DEPTH_MAX 128
struct scopes {
    Dwarf_Die scope[DEPTH_MAX];
    size_t count;
};

/* What has no addresses of its own but may have functions in it, as Rust's namespaces do. */
static bool may_have_functions(Dwarf_Die *die) {
    switch (dwarf_tag(die)) {
    case DW_TAG_namespace:
    case DW_TAG_module:
    case DW_TAG_structure_type:
    case DW_TAG_class_type:
    case DW_TAG_union_type:
    case DW_TAG_enumeration_type:
    case DW_TAG_lexical_block:
        return true;
    default:
        return false;
    }
}

/* dwarf_getscopes(3) does not look into namespaces. */
static bool find_scopes(Dwarf_Die *around, Dwarf_Addr address, struct scopes *scopes) {
    Dwarf_Die die;
    if (scopes->count == DEPTH_MAX || dwarf_child(around, &die) != 0) return false;
    do {
        bool has = dwarf_haspc(&die, address) == 1;
        if (has) scopes->scope[scopes->count++] = die;
        if ((has || may_have_functions(&die)) && find_scopes(&die, address, scopes)) return true;
        if (has) return true;
    } while (dwarf_siblingof(&die, &die) == 0);
    return false;
}

/* From the innermost scope out to the function: each inlined one tells where the next one is. */
static void add_functions(struct symbol_list *list, Dwarf_Die *unit, struct scopes *scopes) {
    struct symbol *symbol = list->symbol;
    for (size_t i = scopes->count; i-- > 0;) {
        Dwarf_Die *scope = &scopes->scope[i];
        bool inlined = dwarf_tag(scope) == DW_TAG_inlined_subroutine;
        if (!inlined && dwarf_tag(scope) != DW_TAG_subprogram) continue;
        symbol->function = function_name(scope);
        if (!inlined || symbol + 1 == list->symbol + SYMBOLS_MAX) break;
        symbol->inlined = true;
        set_call(++symbol, unit, scope);
    }
    list->count = (size_t)(symbol - list->symbol) + 1;
}

/* With -gsplit-dwarf the unit has lines alone, and a file of its own the rest. */
static Dwarf_Die *unit_of_scopes(Dwarf_Die *unit, Dwarf_Die *apart) {
    uint8_t type;
    bool split = dwarf_cu_info(unit->cu, NULL, &type, NULL, apart, NULL, NULL, NULL) == 0 &&
                 type == DW_UT_skeleton && dwarf_tag(apart) != DW_TAG_invalid;
    return split ? apart : unit;
}

static void find_debug(struct module *module, uint64_t offset, struct symbol_list *list) {
    Dwarf_Addr bias;
    Dwarf_Die *unit = find_unit(module, offset, &bias);
    Dwarf_Die apart;
    struct scopes scopes;
    scopes.count = 0;
    if (unit == NULL) return;
    set_line(list->symbol, unit, offset - bias);
    unit = unit_of_scopes(unit, &apart);
    find_scopes(unit, offset - bias, &scopes);
    add_functions(list, unit, &scopes);
}

void symbols_find(struct symbols *symbols, const char *path, uint64_t offset,
                  struct symbol_list *list) {
    struct module *module = find_module(symbols, path);
    memset(list, 0, sizeof *list);
    if (module->file == NULL) return;
    find_debug(module, offset, list);
    if (list->count == 0) list->count = 1;
    struct symbol *last = &list->symbol[list->count - 1];
    if (last->function == NULL) last->function = table_name(module, offset);
    if (last->function == NULL && last->file == NULL) symbol_list_clear(list);
}

void symbol_list_clear(struct symbol_list *list) {
    for (size_t i = 0; i < list->count; i++) free(list->symbol[i].function);
    list->count = 0;
}

/* ---- running processes ---- */

struct line_of_maps {
    uint64_t start, end, offset;
    char *path;
};

/* The line of the address; `path` is allocated. */
static bool find_in_maps(pid_t process, uint64_t address, struct line_of_maps *found) {
    char name[64], *text = NULL;
    size_t size = 0;
    bool right = false;
    snprintf(name, sizeof name, "/proc/%d/maps", (int)process);
    FILE *maps = fopen(name, "re");
    if (maps == NULL) return false;
    while (!right && getline(&text, &size, maps) > 0) {
        int path = 0;
        text[strcspn(text, "\n")] = '\0';
        right = sscanf(text, "%lx-%lx %*s %lx %*s %*s %n", &found->start, &found->end,
                       &found->offset, &path) == 3 &&
                path != 0 && address >= found->start && address < found->end;
        if (right) found->path = or_fail(strdup(text + path));
    }
    free(text);
    fclose(maps);
    return right;
}

static char *format(const char *pattern, ...) __attribute__((format(printf, 1, 2)));
static char *format(const char *pattern, ...) {
    char *text;
    va_list arguments;
    va_start(arguments, pattern);
    if (vasprintf(&text, pattern, arguments) < 0) or_fail(NULL);
    va_end(arguments);
    return text;
}

static bool is_link_to(const char *link, const char *path) {
    char target[PATH_MAX];
    ssize_t length = readlink(link, target, sizeof target);
    return length > 0 && (size_t)length == strlen(path) &&
           memcmp(target, path, (size_t)length) == 0;
}

/* The mapped file as it is seen from here: the process may have another root, or the file another
 * name, or none any more, by now. What is mapped only root may open, but for the program itself. */
static char *visible_path(pid_t process, const struct line_of_maps *line) {
    char *path = format("/proc/%d/root%s", (int)process, line->path);
    if (access(path, R_OK) == 0) return path;
    free(path);
    path = format("/proc/%d/exe", (int)process);
    if (is_link_to(path, line->path)) return path;
    free(path);
    return format("/proc/%d/map_files/%lx-%lx", (int)process, line->start, line->end);
}

char *symbols_module_of(struct symbols *symbols, pid_t process, uint64_t address,
                        uint64_t *offset) {
    struct line_of_maps line;
    GElf_Phdr segment;
    if (!find_in_maps(process, address, &line)) return NULL;
    char *path = *line.path == '/' ? visible_path(process, &line) : NULL;
    free(line.path);
    if (path == NULL) return NULL;
    uint64_t in_file = address - line.start + line.offset;
    if (!find_segment(find_module(symbols, path), has_file_offset, in_file, &segment)) {
        free(path);
        return NULL;
    }
    *offset = in_file - segment.p_offset + segment.p_vaddr;
    return path;
}
