#include "report/mapped.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "os/os.h"
#include "os/os_auxv.h"

static UNTOUCHED char mapped_text[256 * KIB];

static uintptr_t mapped_parse_hex(const char **text) {
    uintptr_t value = 0;
    for (;; (*text)++) {
        char c = **text;
        if (c >= '0' && c <= '9')
            value = value * 16 + (uintptr_t)(c - '0');
        else if (c >= 'a' && c <= 'f')
            value = value * 16 + (uintptr_t)(c - 'a' + 10);
        else
            return value;
    }
}

/* Returns the start of the name, which follows five fields and spaces. It may contain spaces. */
static const char *mapped_skip_fields(const char *at, const char *end) {
    for (unsigned fields = 5; fields > 0; fields--) {
        while (at < end && *at != ' ') at++;
        while (at < end && *at == ' ') at++;
    }
    return at;
}

static struct mapped mapped_parse_line(const char *line, const char *end) {
    struct mapped mapping;
    const char *at = line;
    mapping.start = mapped_parse_hex(&at);
    at++;
    mapping.end = mapped_parse_hex(&at);
    mapping.name = mapped_skip_fields(line, end);
    mapping.name_length = (size_t)(end - mapping.name);
    return mapping;
}

bool mapped_at(uintptr_t address, struct mapped *found) {
    long length = os_read_file("/proc/self/maps", mapped_text, sizeof mapped_text - 1);
    mapped_text[length > 0 ? length : 0] = '\0';
    for (const char *line = mapped_text; *line != '\0';) {
        const char *end = strchr(line, '\n');
        if (end == NULL) break;
        *found = mapped_parse_line(line, end);
        if (address >= found->start && address < found->end) return true;
        line = end + 1;
    }
    return false;
}

RARE const char *mapped_program_path(void) {
    static UNTOUCHED char path[512];
    struct mapped mapping;
    if (path[0] != '\0' || !mapped_at(os_auxv(AT_PHDR), &mapping)) return path;
    if (mapping.name_length < sizeof path) memcpy(path, mapping.name, mapping.name_length);
    return path;
}
