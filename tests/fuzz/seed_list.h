/* The seeds of all targets. */
#ifndef FUZZ_SEED_LIST_H
#define FUZZ_SEED_LIST_H

#include "driver.h"

#define INPUT_MAX ((size_t)1 << 20)

struct seed {
    char *bytes;
    size_t size;
    const struct target *target;
    char *path;
};

extern struct seed *seeds;
extern size_t seed_count;

/* Adds the file at PATH, which stays in use. */
void add_seed(const struct target *target, char *path);

/* Adds the seeds of all targets from the folders, ended by NULL. */
void load_seeds(char **folders);

/* Returns a random seed of the target. */
const struct seed *any_seed(const struct target *target);

/* Returns FOLDER/NAME, allocated by malloc. */
char *join(const char *folder, const char *name);

#endif
