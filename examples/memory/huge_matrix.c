/* Adds up the columns of a matrix of 64 MiB, on pages of the usual size and on huge pages. Two
 * elements of a column are on different pages, so that each access needs another entry of the
 * translation buffer (TLB). One entry of a huge page covers 2 MiB.
 *
 *     $ huge_matrix
 *     small pages: 0 MiB in huge pages, filled in <number> ms, added in <number> ms
 *     huge pages: 64 MiB in huge pages, filled in <number> ms, added in <number> ms
 *
 * If huge pages are turned off, the kernel has none left, or they have another size:
 *
 *     $ huge_matrix
 *     small pages: 0 MiB in huge pages, filled in <number> ms, added in <number> ms
 *     huge pages: <number> MiB in huge pages, filled in <number> ms, added in <number> ms
 *
 * If the kernel does not support huge pages:
 *
 *     $ huge_matrix
 *     small pages: 0 MiB in huge pages, filled in <number> ms, added in <number> ms
 *     there are no huge pages: <text>
 */
#include <err.h>
#include <inttypes.h>
#include <mallow/map.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { ROWS = 4096, COLUMNS = 4096, BYTES = ROWS * COLUMNS * sizeof(float), HUGE = 2 << 20 };

static double now_ms(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

/* Returns how much of the matrix is in huge pages, in MiB. */
static uint64_t huge_mib(const float *matrix) {
    char line[512];
    uintptr_t begin, end, at = (uintptr_t)matrix;
    uint64_t total = 0, kib;
    int inside = 0;
    FILE *smaps = fopen("/proc/self/smaps", "r");
    while (smaps != NULL && fgets(line, sizeof line, smaps) != NULL) {
        if (sscanf(line, "%" SCNxPTR "-%" SCNxPTR " ", &begin, &end) == 2)
            inside = begin < at + BYTES && at < end;
        else if (inside && sscanf(line, "AnonHugePages: %" SCNu64, &kib) == 1)
            total += kib;
    }
    if (smaps != NULL) fclose(smaps);
    return total / 1024;
}

/* Fills the matrix and adds up each column. The sum is known. */
static void measure(const char *title, float *matrix) {
    double sum = 0, start = now_ms();
    for (size_t i = 0; i < (size_t)ROWS * COLUMNS; i++) matrix[i] = 0.5F;
    double filled = now_ms();
    for (size_t column = 0; column < COLUMNS; column++)
        for (size_t row = 0; row < ROWS; row++) sum += (double)matrix[row * COLUMNS + column];
    double added = now_ms();
    if (sum != (double)(ROWS * COLUMNS / 2)) errx(1, "the sum is %f", sum);
    printf("%s: %" PRIu64 " MiB in huge pages, filled in %.0f ms, added in %.0f ms\n", title,
           huge_mib(matrix), filled - start, added - filled);
}

static void require(enum mallow_result result) {
    if (result != MALLOW_OK) errx(1, "%s", mallow_error_text(result));
}

int main(void) {
    struct mallow_map map;
    require(mallow_map_memory(BYTES, 0, "matrix", &map));
    /* This fails only where there are no huge pages, and then it is not needed. */
    (void)mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_SMALL_PAGES);
    measure("small pages", map.data);
    require(mallow_map_end(&map));

    /* A huge page has to start at a multiple of its size: without 2 MiB more, the first or the last
     * part of the matrix might not fill a huge page. */
    require(mallow_map_memory(BYTES + HUGE, 0, "matrix", &map));
    enum mallow_result result = mallow_map_advise(&map, 0, MALLOW_MAP_ALL, MALLOW_MAP_HUGE_PAGES);
    if (result != MALLOW_OK) {
        printf("there are no huge pages: %s\n", mallow_error_text(result));
        return 0;
    }
    size_t skipped = (HUGE - (uintptr_t)map.data % HUGE) % HUGE;
    measure("huge pages", (float *)map.data + skipped / sizeof(float));
    require(mallow_map_end(&map));
}
