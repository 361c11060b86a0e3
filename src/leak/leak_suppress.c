#include "leak/leak_suppress.h"

#include <string.h>

#include "leak/leak_memory.h"
#include "leak/leak_pattern.h"
#include "os/os.h"
#include "process/settings.h"

#define SUPPRESSIONS_MAX (256 * KIB)

static UNTOUCHED const char *suppressions;

static const char *line_end(const char *line) { return line + strcspn(line, "\n"); }

bool leak_read_suppressions(const char *path) {
    char *text = os_map(SUPPRESSIONS_MAX);
    long length = text == NULL ? -1 : os_read_file(path, text, SUPPRESSIONS_MAX - 1);
    suppressions = length < 0 ? NULL : text;
    if (text != NULL && length < 0) os_unmap(text, SUPPRESSIONS_MAX);
    for (const char *line = suppressions; line != NULL && *line != '\0';) {
        size_t wrong, bytes = strcspn(line, "\n");
        if (leak_pattern_of_line(line, bytes, &wrong) == NULL && wrong != 0) return false;
        line += bytes + (line[bytes] == '\n');
    }
    return suppressions != NULL;
}

static bool is_file_suppressed(const char *name, size_t name_length) {
    for (const char *line = suppressions; *line != '\0';) {
        size_t length;
        const char *pattern = leak_pattern_of_line(line, (size_t)(line_end(line) - line), &length);
        if (pattern != NULL && leak_pattern_matches(pattern, length, name, name_length))
            return true;
        line = line_end(line) + (*line_end(line) == '\n');
    }
    return false;
}

static bool is_suppressed(const struct leak_group *group) {
    static UNTOUCHED uintptr_t frames[STACK_FRAMES_MAX];
    unsigned count = group->stack == 0 ? 0 : stack_frames(group->stack, frames);
    for (unsigned i = 0; i < count && i < settings.frames; i++) {
        const struct leak_region *region = leak_region_of(frames[i] - 1);
        if (region != NULL && is_file_suppressed(region->name, strcspn(region->name, "\n")))
            return true;
    }
    return false;
}

static void take_out(struct leak_amount *total, struct leak_amount amount) {
    total->blocks -= amount.blocks;
    total->bytes -= amount.bytes;
}

void leak_suppress(struct leak_groups *groups) {
    size_t kept = 0;
    for (size_t i = 0; suppressions != NULL && i < groups->count; i++) {
        struct leak_group *group = &groups->list[i];
        if (is_suppressed(group)) {
            take_out(&groups->totals[group->class], group->own);
            take_out(&groups->totals[LEAK_INDIRECT], group->led);
        } else {
            groups->list[kept++] = *group;
        }
    }
    if (suppressions != NULL) groups->count = kept;
}
