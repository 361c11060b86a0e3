/* Reads seeds from files and folders. */
#include "seed_list.h"
#include "fail.h"

#include <dirent.h>
#include <stdlib.h>
#include <sys/stat.h>

struct seed *seeds;
size_t seed_count;

char *join(const char *folder, const char *name) {
    char *path;
    if (asprintf(&path, "%s/%s", folder, name) < 0) die("memory", strerror(errno));
    return path;
}

/* The repository has binary seeds as text: NAME.hex has numbers of two hexadecimal digits. */
static size_t read_hex(FILE *file, char *bytes) {
    unsigned byte;
    size_t size = 0;
    while (size < INPUT_MAX && fscanf(file, "%2x", &byte) == 1) bytes[size++] = (char)byte;
    return size;
}

static bool has_suffix(const char *path, const char *suffix) {
    size_t length = strlen(path), end = strlen(suffix);
    return length >= end && strcmp(path + length - end, suffix) == 0;
}

void add_seed(const struct target *target, char *path) {
    struct seed seed = {or_fail(malloc(INPUT_MAX)), 0, target, path};
    FILE *file = fopen(path, "re");
    if (file == NULL) die(path, strerror(errno));
    seed.size = has_suffix(path, ".hex") ? read_hex(file, seed.bytes)
                                         : fread(seed.bytes, 1, INPUT_MAX, file);
    fclose(file);
    seeds = or_fail(realloc(seeds, (seed_count + 1) * sizeof *seeds));
    seeds[seed_count++] = seed;
}

static void add_folder(const struct target *target, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = join(folder, entries[i]->d_name);
        struct stat file;
        if (stat(path, &file) == 0 && S_ISREG(file.st_mode)) add_seed(target, path);
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

void load_seeds(char **folders) {
    for (; *folders != NULL; folders++)
        for (const struct target *target = targets; target->name != NULL; target++) {
            char *folder = join(*folders, target->name);
            add_folder(target, folder);
            free(folder);
        }
}

const struct seed *any_seed(const struct target *target) {
    size_t count = 0, chosen;
    for (size_t i = 0; i < seed_count; i++) count += seeds[i].target == target;
    chosen = choose(count);
    for (size_t i = 0; i < seed_count; i++)
        if (seeds[i].target == target && chosen-- == 0) return &seeds[i];
    die(target->name, "has no seeds");
}
