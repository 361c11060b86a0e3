/* Shows that a key in secret memory does not get into a core file, while a key in ordinary memory
 * does. A child process reads both keys and crashes, and the parent searches its core.
 *
 *     $ secret_core
 *     the key in ordinary memory is in the core
 *     the key in secret memory is not in the core
 *
 * If core files are turned off or go elsewhere:
 *
 *     $ secret_core
 *     there is no core to search: <text>
 *
 * If RLIMIT_MEMLOCK is too small:
 *
 *     $ secret_core
 *     there is no secret memory: <text>
 */
#include <dirent.h>
#include <err.h>
#include <mallow/bytes.h>
#include <mallow/map.h>
#include <mallow/secret.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KEY = 32 };

/* Reads the keys directly to where they stay, so that there are no other copies, and crashes. */
static void crash_with_keys(int from) {
    char *ordinary = malloc(KEY), *secret = mallow_secret_alloc(KEY, 0);
    if (ordinary == NULL || secret == NULL) _exit(1);
    if (read(from, ordinary, KEY) != KEY || read(from, secret, KEY) != KEY) _exit(1);
    abort();
}

static int is_visible(const struct dirent *file) { return file->d_name[0] != '.'; }

/* Returns the name of the core: that of the only file in the current folder, or NULL. */
static const char *core_name(void) {
    static struct dirent **files;
    return scandir(".", &files, is_visible, NULL) == 1 ? files[0]->d_name : NULL;
}

static void search(const struct mallow_map *core, const char *title, const char *key) {
    size_t index;
    enum mallow_result result =
        mallow_find_block(core->data, core->bytes, core->bytes, key, KEY, &index);
    printf("the key in %s memory is %s the core\n", title, result == MALLOW_OK ? "in" : "not in");
}

int main(void) {
    void *secret = mallow_secret_alloc(KEY, 0);
    if (secret == NULL) {
        printf("there is no secret memory: %s\n", mallow_error_text(mallow_last_error().result));
        return 0;
    }
    mallow_secret_free(secret);
    struct rlimit limit;
    getrlimit(RLIMIT_CORE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);

    char folder[] = "secret_core.XXXXXX", keys[2][KEY];
    int pipe_ends[2], status;
    if (mkdtemp(folder) == NULL || chdir(folder) != 0 || pipe(pipe_ends) != 0) err(1, "%s", folder);
    pid_t child = fork();
    if (child == 0) crash_with_keys(pipe_ends[0]);
    /* The keys are made after the fork: otherwise, the child would have copies of them. */
    if (getrandom(keys, sizeof keys, 0) != sizeof keys) err(1, "getrandom");
    if (write(pipe_ends[1], keys, sizeof keys) != sizeof keys) err(1, "write");
    if (waitpid(child, &status, 0) != child || !WIFSIGNALED(status)) errx(1, "no crash");

    struct mallow_map core;
    const char *name = core_name();
    if (name == NULL ||
        mallow_map_file(name, 0, MALLOW_MAP_ALL, MALLOW_MAP_READ, &core) != MALLOW_OK) {
        printf("there is no core to search: see ulimit -c and /proc/sys/kernel/core_pattern\n");
    } else {
        search(&core, "ordinary", keys[0]);
        search(&core, "secret", keys[1]);
        mallow_map_end(&core);
        unlink(name);
    }
    if (chdir("..") != 0 || rmdir(folder) != 0) err(1, "%s", folder);
}
