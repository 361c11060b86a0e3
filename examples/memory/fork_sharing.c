/* Makes copy-on-write visible. After fork, parent and child share all pages. Each page that one of
 * them writes is copied first, and is then private to it.
 *
 *     $ fork_sharing
 *     before the fork: 4096 KiB private, 0 KiB shared
 *     in the child: 0 KiB private, 4096 KiB shared
 *     after it wrote a quarter: 1024 KiB private, 3072 KiB shared
 *     after the child ended: 4096 KiB private, 0 KiB shared
 *
 * Without /proc/self/smaps:
 *
 *     $ fork_sharing
 *     the kernel does not show what is shared: <text>
 */
#include <err.h>
#include <inttypes.h>
#include <mallow/map.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BYTES = 4 << 20 };

static void require(enum mallow_result result) {
    if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
}

static void show(const char *when, const struct mallow_map *map) {
    struct mallow_map_shares sharing;
    require(mallow_map_sharing(map, 0, MALLOW_MAP_ALL, &sharing));
    printf("%s: %" PRIu64 " KiB private, %" PRIu64 " KiB shared\n", when,
           (sharing.private_dirty + sharing.private_clean + sharing.swapped) / 1024,
           (sharing.shared_dirty + sharing.shared_clean) / 1024);
    fflush(stdout); /* otherwise the child prints the buffered line again */
}

int main(void) {
    struct mallow_map map;
    require(mallow_map_memory(BYTES, 0, "copy-on-write", &map));
    /* The pages of a huge page would be shared or copied together. */
    enum mallow_result result = mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES);
    if (result != MALLOW_UNSUPPORTED) require(result);
    memset(map.data, 1, map.bytes);

    struct mallow_map_shares sharing;
    result = mallow_map_sharing(&map, 0, MALLOW_MAP_ALL, &sharing);
    if (result == MALLOW_UNSUPPORTED) {
        printf("the kernel does not show what is shared: %s\n", mallow_error_text(result));
        return 0;
    }
    show("before the fork", &map);
    pid_t child = fork();
    if (child == 0) {
        show("in the child", &map);
        memset(map.data, 2, map.bytes / 4);
        show("after it wrote a quarter", &map);
        _exit(0);
    }
    int status;
    if (child < 0 || waitpid(child, &status, 0) != child || status != 0) return 1;
    show("after the child ended", &map);
    require(mallow_map_end(&map));
}
