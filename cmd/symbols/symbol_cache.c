#include "symbols/symbol_cache.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "common/index_map.h"
#include "common/xalloc.h"
#include "proc/symbol_root.h"
#include "symbols/symbol_cache_files.h"

#define CACHE_FILE_MAX ((size_t)16 << 20)

/* An entry is a line "PLACE COUNT", and for each function a line
 * "LINE INLINED<tab>FUNCTION<tab>FILE". */
struct symbol_cache {
    char *path; /* NULL: nothing is written */
    char *key;  /* the first line of the file without the checksum */
    char *text; /* the entries that were read, or NULL */
    size_t text_bytes;
    struct index_map places; /* to positions in the text + 1 */
    char *added;
    size_t added_bytes;
    FILE *to;
    bool is_changed;
};

static char *symbol_cache_hex(const unsigned char *id, size_t id_bytes) {
    char *text = xcalloc(id_bytes + 1, 2);
    for (size_t i = 0; i < id_bytes; i++) sprintf(text + 2 * i, "%02x", id[i]);
    return text;
}

/* Returns when the separate debug file was written, or 0 if there is none. */
static long long symbol_cache_debug_time(const char *root, const char *hex) {
    struct stat file;
    char *path = xasprintf("%s/usr/lib/debug/.build-id/%.2s/%s.debug", root, hex, hex + 2);
    bool exists = stat(path, &file) == 0;
    free(path);
    return exists ? (long long)file.st_mtime : 0;
}

static unsigned long symbol_cache_sum(const char *text) {
    return text == NULL ? 0 : crc32_z(0, (const Bytef *)text, strlen(text));
}

/* Debug information may be installed after a function was looked up without it. The key therefore
 * says which debug information there was. */
static char *symbol_cache_key(const char *hex) {
    const char *servers = getenv("DEBUGINFOD_URLS");
    char *key = xasprintf("mallow-symbols 1 %lld %lx", symbol_cache_debug_time("", hex),
                          symbol_cache_sum(servers));
    if (symbol_root() == NULL) return key;
    char *both = xasprintf("%s %lld %lx", key, symbol_cache_debug_time(symbol_root(), hex),
                           symbol_cache_sum(symbol_root()));
    free(key);
    return both;
}

/* ---- reading ---- */

/* Records where the entries begin. */
static void symbol_cache_index(struct symbol_cache *cache) {
    char *line = cache->text, *end;
    while (*line != '\0' && (end = strchr(line, '\n')) != NULL) {
        unsigned long place;
        size_t count;
        if (sscanf(line, "%lx %zu", &place, &count) != 2) return;
        *index_map_add(&cache->places, place) = (uint32_t)(line - cache->text) + 1;
        for (line = end + 1; count > 0 && (end = strchr(line, '\n')) != NULL; count--)
            line = end + 1;
    }
}

static void symbol_cache_read(struct symbol_cache *cache) {
    size_t count, key_bytes = strlen(cache->key);
    char *text = symbol_cache_load(cache->path, CACHE_FILE_MAX, &count), *end;
    if (text == NULL) return;
    unsigned long sum = strtoul(text, &end, 16);
    bool valid = *end == ' ' && strncmp(end + 1, cache->key, key_bytes) == 0 &&
                 end[1 + key_bytes] == '\n' &&
                 crc32_z(0, (const Bytef *)end, count - (size_t)(end - text)) == sum;
    if (valid) {
        char *entries = end + 1 + key_bytes + 1;
        cache->text = xstrdup(entries);
        cache->text_bytes = strlen(entries);
        symbol_cache_index(cache);
    }
    free(text);
}

struct symbol_cache *symbol_cache_open(const unsigned char *id, size_t id_bytes) {
    struct symbol_cache *cache = xcalloc(1, sizeof *cache);
    char *hex = symbol_cache_hex(id, id_bytes);
    cache->to = xopen_memstream(&cache->added, &cache->added_bytes);
    cache->key = symbol_cache_key(hex);
    if (id_bytes >= 2 && id_bytes <= 64) cache->path = symbol_cache_path(hex);
    if (cache->path != NULL) symbol_cache_read(cache);
    free(hex);
    return cache;
}

/* ---- entries ---- */

static char *symbol_cache_field(const char *text, size_t length) {
    return length == 0 ? NULL : xstrndup(text, length);
}

static const char *symbol_cache_parse(const char *line, struct symbol *symbol) {
    int inlined = 0, start = 0;
    if (sscanf(line, "%d %d%n", &symbol->line, &inlined, &start) != 2 || line[start] != '\t')
        return NULL;
    const char *function = line + start + 1, *file = strpbrk(function, "\t\n");
    if (file == NULL || *file != '\t') return NULL;
    const char *end = strchr(file, '\n');
    if (end == NULL) return NULL;
    symbol->function = symbol_cache_field(function, (size_t)(file - function));
    symbol->file = symbol_cache_field(file + 1, (size_t)(end - file - 1));
    symbol->inlined = inlined != 0;
    return end + 1;
}

bool symbol_cache_find(struct symbol_cache *cache, uint64_t place, struct symbol_list *list) {
    uint32_t position = index_map_find(&cache->places, place);
    size_t count = 0;
    list->count = 0;
    if (position == 0 || sscanf(cache->text + position - 1, "%*x %zu", &count) != 1 ||
        count > SYMBOLS_MAX)
        return false;
    const char *line = strchr(cache->text + position - 1, '\n') + 1;
    while (list->count < count) {
        line = symbol_cache_parse(line, &list->symbol[list->count]);
        if (line == NULL) {
            symbol_list_clear(list);
            return false;
        }
        list->count++;
    }
    return true;
}

void symbol_cache_add(struct symbol_cache *cache, uint64_t place, const struct symbol_list *list) {
    cache->is_changed = true;
    fprintf(cache->to, "%lx %zu\n", place, list->count);
    for (size_t i = 0; i < list->count; i++) {
        const struct symbol *symbol = &list->symbol[i];
        fprintf(cache->to, "%d %d\t%s\t%s\n", symbol->line, symbol->inlined,
                symbol->function == NULL ? "" : symbol->function,
                symbol->file == NULL ? "" : symbol->file);
    }
}

/* ---- writing ---- */

/* If the file becomes too large, it keeps only what was added last. */
static void symbol_cache_write(struct symbol_cache *cache) {
    bool all = cache->text_bytes + cache->added_bytes <= CACHE_FILE_MAX / 2;
    char *text = xasprintf(" %s\n%s%s", cache->key, all && cache->text != NULL ? cache->text : "",
                           cache->added);
    size_t length = strlen(text);
    char *whole = xasprintf("%08lx%s", crc32_z(0, (const Bytef *)text, length), text);
    if (length < CACHE_FILE_MAX) symbol_cache_save(cache->path, whole);
    free(whole);
    free(text);
}

void symbol_cache_close(struct symbol_cache *cache) {
    xclose_memstream(cache->to);
    if (cache->is_changed && cache->path != NULL) symbol_cache_write(cache);
    index_map_clear(&cache->places);
    free(cache->added);
    free(cache->text);
    free(cache->key);
    free(cache->path);
    free(cache);
}
