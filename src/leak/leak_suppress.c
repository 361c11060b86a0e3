#include "leak/leak_suppress.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "leak/leak_memory.h"
#include "leak/leak_pattern.h"
#include "os/os.h"

#define FIRST_ROOM (16 * KIB)
#define SUPPRESSIONS_MAX (64 * MIB)

static UNTOUCHED const char *leak_suppress_text;

static const char *leak_suppress_line_end(const char *line) { return line + strcspn(line, "\n"); }

/* Returns what is wrong with the first `length` bytes of a file in a buffer of `room` bytes, or
 * NULL if they are the whole file. */
static const char *leak_suppress_judge_text(const char *text, long length, size_t room) {
    if (length < 0) return "it cannot be read";
    if (strlen(text) != (size_t)length) return "it contains a null byte";
    return (size_t)length == room - 1 ? "it is larger than 64 MiB" : NULL;
}

/* Returns the whole file as a string in a mapping of *bytes, or NULL with a message in *wrong. */
static char *leak_suppress_read_whole(const char *path, size_t *bytes, const char **wrong) {
    for (size_t room = FIRST_ROOM;; room *= 2) {
        char *text = os_map(room);
        *wrong = "there is no memory to read it";
        *bytes = room;
        if (text == NULL) return NULL;
        long length = os_read_file(path, text, room - 1);
        *wrong = leak_suppress_judge_text(text, length, room);
        if (*wrong == NULL) return text;
        os_unmap(text, room);
        if (length < (long)room - 1 || room == SUPPRESSIONS_MAX) return NULL;
    }
}

/* Returns a message about the first invalid line, or NULL if each line is empty, a comment or a
 * pattern. */
static const char *leak_suppress_find_wrong_line(const char *text) {
    static char wrong_line[48];
    uint64_t number = 1;
    for (const char *line = text; *line != '\0'; number++) {
        size_t wrong, bytes = strcspn(line, "\n");
        if (leak_pattern_of_line(line, bytes, &wrong) == NULL && wrong != 0) {
            struct text t = {.buffer = wrong_line, .size = sizeof wrong_line - 1};
            text_add(&t, "line ");
            text_add_number(&t, number);
            text_add(&t, " is not of the form leak:PATTERN");
            return wrong_line;
        }
        line += bytes + (line[bytes] == '\n');
    }
    return NULL;
}

const char *leak_read_suppressions(const char *path) {
    size_t bytes;
    const char *wrong;
    char *text = leak_suppress_read_whole(path, &bytes, &wrong);
    if (text == NULL) return wrong;
    wrong = leak_suppress_find_wrong_line(text);
    if (wrong == NULL)
        leak_suppress_text = text;
    else
        os_unmap(text, bytes);
    return wrong;
}

static bool leak_suppress_matches_file(const char *name, size_t name_length) {
    for (const char *line = leak_suppress_text; *line != '\0';) {
        size_t length;
        const char *pattern =
            leak_pattern_of_line(line, (size_t)(leak_suppress_line_end(line) - line), &length);
        if (pattern != NULL && leak_pattern_matches(pattern, length, name, name_length))
            return true;
        line = leak_suppress_line_end(line) + (*leak_suppress_line_end(line) == '\n');
    }
    return false;
}

static bool leak_suppress_matches(const struct leak_group *group) {
    static UNTOUCHED uintptr_t frames[STACK_FRAMES_MAX];
    unsigned count = group->stack == 0 ? 0 : stack_frames(group->stack, frames);
    for (unsigned i = 0; i < count && i < settings.frames; i++) {
        const struct leak_region *region = leak_region_of(frames[i] - 1);
        if (region != NULL && leak_suppress_matches_file(region->name, strcspn(region->name, "\n")))
            return true;
    }
    return false;
}

static void leak_suppress_take_out(struct leak_amount *total, struct leak_amount amount) {
    total->blocks -= amount.blocks;
    total->bytes -= amount.bytes;
}

void leak_suppress(struct leak_groups *groups) {
    size_t kept = 0;
    for (size_t i = 0; leak_suppress_text != NULL && i < groups->count; i++) {
        struct leak_group *group = &groups->list[i];
        if (leak_suppress_matches(group)) {
            leak_suppress_take_out(&groups->totals[group->kind], group->own);
            leak_suppress_take_out(&groups->totals[LEAK_INDIRECT], group->led);
        } else {
            groups->list[kept++] = *group;
        }
    }
    if (leak_suppress_text != NULL) groups->count = kept;
}
