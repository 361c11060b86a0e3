#include "leak/leak_memory.h"

#include <setjmp.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "check/pagemap.h"
#include "leak/leak_sort.h"
#include "os/os.h"
#include "os/os_process.h"

/* ---- own memory ---- */

#define OWN_MAX 16u

static UNTOUCHED struct {
    struct {
        uintptr_t start, end;
    } maps[OWN_MAX];
    unsigned count;
} leak_memory_own_maps;

void *leak_map(size_t bytes) {
    bytes = round_up(max_size(bytes, 1), os_page_size());
    char *start = leak_memory_own_maps.count == OWN_MAX ? NULL : os_map(bytes);
    if (start == NULL) return NULL;
    leak_memory_own_maps.maps[leak_memory_own_maps.count].start = (uintptr_t)start;
    leak_memory_own_maps.maps[leak_memory_own_maps.count++].end = (uintptr_t)start + bytes;
    return start;
}

void leak_each_own(void (*call)(uintptr_t start, uintptr_t end)) {
    for (unsigned i = 0; i < leak_memory_own_maps.count; i++)
        call(leak_memory_own_maps.maps[i].start, leak_memory_own_maps.maps[i].end);
    call((uintptr_t)&leak_memory_own_maps,
         (uintptr_t)(&leak_memory_own_maps + 1)); /* a block may begin where a map ends */
}

/* ---- mappings ---- */

#define FIRST_TEXT (256 * KIB)

static UNTOUCHED struct {
    struct leak_region *list;
    size_t count;
} leak_memory_regions;

/* Returns /proc/self/maps as a string, or NULL. */
static char *leak_memory_read_maps(void) {
    for (size_t room = FIRST_TEXT;; room *= 2) {
        char *text = leak_map(room);
        long length = text == NULL ? -1 : os_read_file("/proc/self/maps", text, room - 1);
        if (length < (long)room - 1) return length <= 0 ? NULL : text;
    }
}

static uint64_t leak_memory_take_hex(const char **at) {
    uint64_t value = 0;
    for (;; (*at)++) {
        if (**at >= '0' && **at <= '9')
            value = value * 16 + (uint64_t)(**at - '0');
        else if (**at >= 'a' && **at <= 'f')
            value = value * 16 + (uint64_t)(**at - 'a' + 10);
        else
            return value;
    }
}

/* start-end rwxp offset device inode   name */
static struct leak_region leak_memory_parse_region(const char *line) {
    struct leak_region region = {.start = leak_memory_take_hex(&line)};
    line++;
    region.end = leak_memory_take_hex(&line);
    region.readable = line[1] == 'r';
    region.writable = line[2] == 'w';
    region.executable = line[3] == 'x';
    region.shared = line[4] == 's';
    for (int fields = 0; fields < 4; fields++) line += 1 + strcspn(line + 1, " ");
    while (*line == ' ') line++;
    region.name = line;
    return region;
}

bool leak_is_shared_memory(const struct leak_region *region) {
    static const char *const names[] = {"/memfd:", "/dev/shm/", "/SYSV", "/dev/zero"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strncmp(region->name, names[i], strlen(names[i])) == 0) return true;
    return false;
}

/* The limit on regions that are made readable. A program may make memory that contains pointers
 * inaccessible, but a larger region is only reserved address space. */
#define OPENED_MAX (256 * GIB)

static void leak_memory_open_region(struct leak_region *region) {
    bool private =
        !region->shared && (*region->name == '\n' || strncmp(region->name, "[heap", 5) == 0 ||
                            strncmp(region->name, "[anon", 5) == 0);
    if (region->readable || (!private && !leak_is_shared_memory(region))) return;
    size_t bytes = region->end - region->start;
    region->opened = bytes <= OPENED_MAX && os_make_readable((void *)region->start, bytes);
}

static bool leak_memory_read_regions(void) {
    size_t lines = 0;
    const char *text = leak_memory_read_maps();
    if (text == NULL) return false;
    for (const char *c = text; *c != '\0'; c++) lines += *c == '\n';
    leak_memory_regions.list = leak_map(lines * sizeof *leak_memory_regions.list);
    if (leak_memory_regions.list == NULL) return false;
    for (const char *line = text; leak_memory_regions.count < lines; line = strchr(line, '\n') + 1)
        leak_memory_regions.list[leak_memory_regions.count++] = leak_memory_parse_region(line);
    for (size_t i = 0; i < leak_memory_regions.count; i++)
        leak_memory_open_region(&leak_memory_regions.list[i]);
    return true;
}

const struct leak_region *leak_regions(size_t *count) {
    if (leak_memory_regions.list == NULL && !leak_memory_read_regions()) return NULL;
    *count = leak_memory_regions.count;
    return leak_memory_regions.list;
}

const struct leak_region *leak_region_around(uintptr_t address) {
    size_t at = leak_find_range(leak_memory_regions.list, leak_memory_regions.count,
                                sizeof *leak_memory_regions.list, address);
    return at < leak_memory_regions.count && leak_memory_regions.list[at].start <= address
               ? &leak_memory_regions.list[at]
               : NULL;
}

const struct leak_region *leak_region_of(uintptr_t address) {
    const struct leak_region *region = leak_region_around(address);
    return region != NULL && *region->name == '/' ? region : NULL;
}

/* ---- reading ---- */

/* The address of the last fault: beyond the end of a file, or in a part of a block that the program
 * has made inaccessible. */
static UNTOUCHED jmp_buf leak_memory_after_fault;
static UNTOUCHED uintptr_t leak_memory_fault;

static void leak_memory_on_fault(int signal, siginfo_t *info, void *context) {
    (void)signal, (void)context;
    leak_memory_fault = (uintptr_t)info->si_addr;
    longjmp(leak_memory_after_fault, 1);
}

static void leak_memory_catch_faults(void) {
    static UNTOUCHED bool caught;
    if (!caught) os_catch_faults(leak_memory_on_fault);
    caught = true;
}

/* Each fault occurs at the word that is being read, so it is at a higher address than the previous
 * one. During the callback, leak_read may catch faults of its own. */
static void leak_memory_each_word(uintptr_t from, uintptr_t to, void (*call)(const uintptr_t *at)) {
    uintptr_t at;
    if (setjmp(leak_memory_after_fault) == 0)
        at = from;
    else if (leak_memory_fault >= from && leak_memory_fault < to)
        at = round_up(leak_memory_fault + 1, os_page_size());
    else
        return;
    for (; at + sizeof(uintptr_t) <= to; at += sizeof(uintptr_t)) call((const uintptr_t *)at);
}

/* ---- pages in memory ---- */

#define SPARSE_MIN (64 * KIB)

static bool leak_memory_is_present(uintptr_t address, enum leak_pages pages) {
    static UNTOUCHED struct pagemap map;
    uint64_t entry;
    if (pages == LEAK_CACHED) return os_is_cached((void *)(address & -os_page_size()));
    if (!map.open) pagemap_open(&map);
    return !pagemap_at(&map, address, &entry) || (entry & PAGEMAP_THERE) != 0;
}

void leak_each_word(uintptr_t from, uintptr_t to, enum leak_pages pages,
                    void (*call)(const uintptr_t *at)) {
    leak_memory_catch_faults();
    from = round_up(from, sizeof(uintptr_t));
    if (pages == LEAK_ALL || to <= from || to - from < SPARSE_MIN) {
        leak_memory_each_word(from, to, call);
        return;
    }
    for (uintptr_t end; from < to; from = end) {
        end = min_size(to, round_up(from + 1, os_page_size()));
        if (leak_memory_is_present(from, pages)) leak_memory_each_word(from, end, call);
    }
}

size_t leak_read(uintptr_t from, void *to, size_t bytes) {
    static UNTOUCHED volatile size_t read; /* survives the longjmp */
    jmp_buf outer;
    leak_memory_catch_faults();
    memcpy(&outer, &leak_memory_after_fault, sizeof outer);
    if (setjmp(leak_memory_after_fault) == 0)
        for (read = 0; read < bytes; read++)
            /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a fault ends the loop */
            ((char *)to)[read] = ((volatile const char *)from)[read];
    memcpy(&leak_memory_after_fault, &outer, sizeof outer);
    return read;
}
