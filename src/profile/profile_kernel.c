#include "profile/profile_kernel.h"

#include <stdbool.h>
#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/text.h"
#include "mallow_profile.h"
#include "os/cgroup.h"
#include "profile/profile_block.h"
#include "profile/profile_lines.h"

/* The structures have no pointers: each would need a relocation. A line is copied if it contains
 * one of the words, which bars separate, or if there are no words. */
struct kernel_file {
    char path[36], words[96];
};

static const struct kernel_file profile_kernel_files[] = {
    {"/proc/self/status", "Name:|VmSize:|VmData:|VmStk:|VmLck:|CapEff:"},
    {"/proc/self/limits", "Max address space|Max data size|Max stack size|Max locked memory"},
    {"/proc/self/oom_score", ""},
    {"/proc/self/oom_score_adj", ""},
    {"/proc/sys/vm/max_map_count", ""},
    {"/proc/sys/vm/overcommit_memory", ""},
    {"/proc/sys/vm/overcommit_ratio", ""},
    {"/proc/meminfo", "MemTotal:|MemAvailable:|SwapTotal:|SwapFree:|CommitLimit:|Committed_AS:"},
    {"/proc/pressure/memory", ""},
    {"/proc/self/mountinfo", " - cgroup2 |,memory"},
    {"/proc/self/cgroup", "::|:memory:"},
};

/* In the folder of a control group: first those with a limit. */
#define LIMIT_FILES 6u
static const struct kernel_file profile_kernel_group_files[] = {
    {"/memory.max", ""},
    {"/memory.high", ""},
    {"/memory.swap.max", ""},
    {"/memory.limit_in_bytes", ""},
    {"/memory.memsw.limit_in_bytes", ""},
    {"/memory.soft_limit_in_bytes", ""},
    {"/memory.current", ""},
    {"/memory.swap.current", ""},
    {"/memory.usage_in_bytes", ""},
    {"/memory.memsw.usage_in_bytes", ""},
    {"/memory.stat", "inactive_file "},
    {"/memory.events", ""},
    {"/memory.pressure", ""},
    {"/memory.oom_control", ""},
};

#define COUNT(list) (sizeof(list) / sizeof *(list))

/* Static, because the thread's stack may be small. */
static UNTOUCHED struct {
    struct cgroup_buffers groups;
    char path[512 + sizeof(struct kernel_file)];
    char text[4 * KIB]; /* what follows is left out */
} profile_kernel;

struct kernel_copy {
    const char *words;
    struct text text;
};

static bool profile_kernel_is_wanted(const char *words, const char *line) {
    char word[32];
    for (; *words != '\0'; words += *words == '|') {
        size_t length = min_size(strcspn(words, "|"), sizeof word - 1);
        memcpy(word, words, length);
        word[length] = '\0';
        if (strstr(line, word) != NULL) return true;
        words += length;
    }
    return false;
}

static void profile_kernel_copy_line(void *to, char *line) {
    struct kernel_copy *copy = to;
    if (*copy->words != '\0' && !profile_kernel_is_wanted(copy->words, line)) return;
    text_add(&copy->text, line);
    text_add(&copy->text, "\n");
}

/* Returns the wanted lines. */
static struct text profile_kernel_read(const char *path, const char *words) {
    struct kernel_copy copy = {words,
                               {.buffer = profile_kernel.text, .size = sizeof profile_kernel.text}};
    profile_lines_each(path, profile_kernel_copy_line, &copy);
    return copy.text;
}

static void profile_kernel_write_file(const char *path, const char *words) {
    struct text text = profile_kernel_read(path, words);
    size_t path_bytes = strlen(path);
    if (text.length == 0) return;
    profile_block_record(MALLOW_PROFILE_FILES, 2 * PROFILE_NUMBER_MAX + path_bytes + text.length);
    profile_block_add_number(path_bytes);
    profile_block_add_bytes(path, path_bytes);
    profile_block_add_number(text.length);
    profile_block_add_bytes(text.buffer, text.length);
}

/* ---- control groups ---- */

static const char *profile_kernel_group_path(const char *folder, const struct kernel_file *file) {
    struct text path = {.buffer = profile_kernel.path, .size = sizeof profile_kernel.path - 1};
    text_add(&path, folder);
    text_add(&path, file->path);
    profile_kernel.path[path.length] = '\0';
    return profile_kernel.path;
}

/* Without a limit, version 2 says "max", and version 1 has a number of 19 digits. */
static bool profile_kernel_has_limit(const char *folder) {
    for (size_t i = 0; i < LIMIT_FILES; i++) {
        struct text text = profile_kernel_read(
            profile_kernel_group_path(folder, &profile_kernel_group_files[i]), "");
        if (text.length > 0 && text.length < 19 && *text.buffer != 'm') return true;
    }
    return false;
}

static void profile_kernel_write_group(void *to, const char *folder) {
    (void)to;
    if (!profile_kernel_has_limit(folder)) return;
    for (size_t i = 0; i < COUNT(profile_kernel_group_files); i++) {
        const struct kernel_file *file = &profile_kernel_group_files[i];
        profile_kernel_write_file(profile_kernel_group_path(folder, file), file->words);
    }
}

RARE void profile_kernel_write(void) {
    for (size_t i = 0; i < COUNT(profile_kernel_files); i++)
        profile_kernel_write_file(profile_kernel_files[i].path, profile_kernel_files[i].words);
    cgroup_each_folder(&profile_kernel.groups, profile_kernel_write_group, NULL);
}
