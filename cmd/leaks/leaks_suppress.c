/* Suppressions of known leaks, in LeakSanitizer's format. */
#include <err.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "leak/leak_pattern.h"
#include "leaks/leaks.h"

static void leaks_suppress_add_pattern(struct leaks_patterns *patterns, const char *pattern,
                                       size_t length) {
    patterns->list = xgrow(patterns->list, patterns->count, sizeof *patterns->list);
    patterns->list[patterns->count++] = xstrndup(pattern, length);
}

struct leaks_patterns leaks_patterns_read(const char *file) {
    struct leaks_patterns patterns = {NULL, 0};
    char *line = NULL;
    size_t room = 0, length;
    FILE *stream = fopen(file, "re");
    if (stream == NULL) err(EXIT_OWN_FAILURE, "'%s'", file);
    for (int number = 1; getline(&line, &room, stream) >= 0; number++) {
        line[strcspn(line, "\n")] = '\0';
        const char *pattern = leak_pattern_of_line(line, strlen(line), &length);
        if (pattern != NULL)
            leaks_suppress_add_pattern(&patterns, pattern, length);
        else if (length != 0)
            errx(EXIT_OWN_FAILURE, "'%s', line %d: expected 'leak:PATTERN'", file, number);
    }
    if (ferror(stream)) err(EXIT_OWN_FAILURE, "'%s'", file);
    fclose(stream);
    free(line);
    return patterns;
}

bool leaks_patterns_match(const struct leaks_patterns *patterns, const char *name, size_t length) {
    for (size_t i = 0; i < patterns->count; i++)
        if (leak_pattern_matches(patterns->list[i], strlen(patterns->list[i]), name, length))
            return true;
    return false;
}

void leaks_patterns_free(struct leaks_patterns *patterns) {
    for (size_t i = 0; i < patterns->count; i++) free(patterns->list[i]);
    free(patterns->list);
}

/* Returns true if a pattern matches one of the names in a frame's line:
 *     #N 0xADDRESS in FUNCTION at SOURCE:LINE (FILE+0xOFFSET)
 *     #N 0xADDRESS in FILE+0xOFFSET */
static bool leaks_suppress_is_frame_named(const struct leaks_patterns *patterns, const char *line,
                                          const char *end) {
    static const char *const separators[] = {" in ", " at ", " ("};
    for (size_t i = 0; i < sizeof separators / sizeof separators[0]; i++) {
        const char *name = memmem(line, (size_t)(end - line), separators[i], strlen(separators[i]));
        if (name == NULL) continue;
        name += strlen(separators[i]);
        size_t length = (size_t)(end - name);
        for (size_t j = i + 1; j < sizeof separators / sizeof separators[0]; j++) {
            const char *stop = memmem(name, length, separators[j], strlen(separators[j]));
            if (stop != NULL) length = (size_t)(stop - name);
        }
        const char *tail = memrchr(name, separators[i][1] == 'a' ? ':' : '+', length);
        bool has_tail = tail != NULL && (*tail == ':' || strncmp(tail, "+0x", 3) == 0);
        if (leaks_patterns_match(patterns, name, has_tail ? (size_t)(tail - name) : length))
            return true;
    }
    return false;
}

static bool leaks_suppress_is_group_named(const struct leaks_patterns *patterns,
                                          const struct leak_group *group) {
    for (const char *line = group->frames; *line != '\0';) {
        const char *end = line + strcspn(line, "\n");
        if (leaks_suppress_is_frame_named(patterns, line, end)) return true;
        line = end + (*end == '\n');
    }
    return false;
}

static void leaks_suppress_take_out(struct leak_answer *answer, enum leak_kind kind,
                                    struct leak_sum sum) {
    answer->totals[kind].blocks -= sum.blocks;
    answer->totals[kind].bytes -= sum.bytes;
    answer->suppressed.blocks += sum.blocks;
    answer->suppressed.bytes += sum.bytes;
}

void leaks_suppress(struct leak_answer *answer, const char *file) {
    struct leaks_patterns patterns = leaks_patterns_read(file);
    size_t kept = 0;
    for (size_t i = 0; i < answer->count; i++) {
        struct leak_group group = answer->groups[i];
        if (leaks_suppress_is_group_named(&patterns, &group)) {
            leaks_suppress_take_out(answer, group.kind, group.direct);
            leaks_suppress_take_out(answer, LEAK_INDIRECT, group.indirect);
        } else {
            answer->groups[kept++] = group;
        }
    }
    answer->count = kept;
    leaks_patterns_free(&patterns);
}
