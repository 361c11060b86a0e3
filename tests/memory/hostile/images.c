/*
 * Damaged images. An image that was closed is refused if any byte differs. An image whose processes
 * were killed has no checksum: it is refused, or it is a heap that works. No image makes a process
 * crash or hang.
 *
 *     images [SEED]
 */
#include "unit.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <mallow/shared.h>

#include "../../support/random.h"
#include "shared/image.h"

enum { IMAGE_ROOM = 1 << 20, HANGING_SECONDS = 200 };

static unsigned char sealed[IMAGE_ROOM], unsealed[IMAGE_ROOM], pending[IMAGE_ROOM];
static size_t image_bytes;
static uint64_t images_random;
static unsigned long images_seed;

#define assert_ok(call)                                                                  \
    do {                                                                                 \
        enum mallow_result ok_result = (call);                                           \
        if (ok_result != MALLOW_OK)                                                      \
            fail_msg("%s: %d, %s", #call, (int)ok_result, mallow_error_text(ok_result)); \
    } while (0)

/* ---- images ---- */

static void prepare(struct mallow_shared *heap) {
    mallow_shared_handle handles[64], *root = mallow_shared_root(heap);
    assert_ok(mallow_shared_alloc_into(heap, root, 512));
    for (int i = 0; i < 64; i++) {
        assert_ok(mallow_shared_alloc(heap, (size_t)(i * i), &handles[i]));
        memset(mallow_shared_at(heap, handles[i]), i, (size_t)(i * i));
    }
    for (int i = 0; i < 64; i += 3) assert_ok(mallow_shared_free(heap, handles[i]));
    assert_ok(mallow_shared_set_name(heap, "one", handles[10]));
    assert_ok(mallow_shared_set_name(heap, "another", handles[61]));
    memcpy(mallow_shared_at(heap, *root), handles, 512);
}

static size_t read_image(int fd, unsigned char image[IMAGE_ROOM]) {
    struct stat file;
    assert_int_equal(fstat(fd, &file), 0);
    assert_true(file.st_size <= IMAGE_ROOM);
    assert_int_equal(pread(fd, image, (size_t)file.st_size, 0), file.st_size);
    return (size_t)file.st_size;
}

static void write_image(int fd, const unsigned char *image, size_t bytes) {
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(pwrite(fd, image, bytes, 0), (ssize_t)bytes);
}

static int make_images(void **state) {
    (void)state;
    int fd = memfd_create("images", MFD_CLOEXEC);
    assert_true(fd >= 0);
    struct mallow_shared *heap = NULL;
    struct mallow_shared_options options = {.size = 64 << 10, .maximum = 256 << 10};
    assert_ok(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_CREATE, &options));
    prepare(heap);
    image_bytes = read_image(fd, unsealed);
    /* As if the last step had to be done again. */
    memcpy(pending, unsealed, image_bytes);
    ((struct image_header *)pending)->commit |= STEP_PENDING;
    assert_ok(mallow_shared_close(heap));
    assert_int_equal(read_image(fd, sealed), image_bytes);
    close(fd);
    return 0;
}

/* ---- use ---- */

/* Uses all functions. Blocks are those of the program, so only the heap's answers matter. */
static void use_names(struct mallow_shared *heap) {
    char name[MALLOW_SHARED_NAME_BYTES];
    mallow_shared_handle handle = 0;
    size_t size;
    for (unsigned cursor = 0; mallow_shared_next_name(heap, &cursor, name, &handle) == MALLOW_OK;) {
        assert_non_null(memchr(name, 0, sizeof name));
        mallow_shared_size(heap, handle, &size);
        mallow_shared_at_checked(heap, handle, 1);
        mallow_shared_free(heap, handle + 16);
        mallow_shared_resize(heap, &handle, 5000);
        mallow_shared_remove_name(heap, name);
        mallow_shared_free(heap, handle);
    }
    mallow_shared_find_or_alloc(heap, "one", 100, &handle, NULL);
    mallow_shared_set_name(heap, "two", handle);
    mallow_shared_find(heap, "another", &handle);
}

static void use_blocks(struct mallow_shared *heap) {
    mallow_shared_handle handle[60] = {0}, *root = mallow_shared_root(heap);
    for (int i = 0; i < 60; i++) {
        size_t size = random_below(&images_random, i % 10 == 0 ? 40000 : 600);
        if (mallow_shared_alloc(heap, size, &handle[i]) == MALLOW_OK)
            memset(mallow_shared_at_checked(heap, handle[i], size), 0xee, size);
    }
    for (int i = 0; i < 60; i += 2)
        mallow_shared_resize(heap, &handle[i], random_below(&images_random, 3000));
    for (int i = 0; i < 60; i++) mallow_shared_free(heap, handle[i]);
    void *board = mallow_shared_at_checked(heap, *root, 512);
    if (board == NULL) return;
    mallow_shared_handle old[64];
    memcpy(old, board, sizeof old);
    for (int i = 0; i < 64; i++) mallow_shared_free(heap, old[i]);
    mallow_shared_free_from(heap, root);
    mallow_shared_alloc_into(heap, root, 30);
}

/* Returns the result of opening the image, which is then used. */
static enum mallow_result try_image(int fd, enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    enum mallow_result result = mallow_shared_open_fd(&heap, fd, how, NULL);
    if (result != MALLOW_OK) {
        assert_null(heap);
        assert_true(mallow_error_text(result)[0] != '\0');
        return result;
    }
    struct mallow_shared_finding finding;
    struct mallow_shared_statistics now;
    if (mallow_shared_check(heap, &finding) != MALLOW_OK)
        fail_msg("opened, but %s at %llu", finding.problem, (unsigned long long)finding.position);
    use_names(heap);
    use_blocks(heap);
    mallow_shared_grow(heap, 200 << 10);
    mallow_shared_measure(heap, &now);
    if (mallow_shared_check(heap, &finding) != MALLOW_OK)
        fail_msg("used, but %s at %llu", finding.problem, (unsigned long long)finding.position);
    mallow_shared_close(heap);
    return MALLOW_OK;
}

/* ---- damage ---- */

static uint64_t interesting_word(void) {
    const uint64_t words[] = {0,
                              1,
                              2,
                              15,
                              16,
                              64 << 10,
                              (uint64_t)1 << 31,
                              (uint64_t)1 << 43,
                              (uint64_t)1 << 47,
                              (uint64_t)1 << 59,
                              (uint64_t)1 << 60,
                              INT64_MAX,
                              UINT64_MAX,
                              UINT64_MAX - 15,
                              UINT32_MAX};
    return words[random_below(&images_random, sizeof words / sizeof *words)];
}

/* Returns an offset, most of them where the heap's own data is. */
static size_t some_offset(void) {
    size_t kind = random_below(&images_random, 10);
    if (kind < 4) return random_below(&images_random, sizeof(struct image_header));
    if (kind < 5) return IMAGE_NAMES_AT + random_below(&images_random, 256);
    if (kind < 7) return IMAGE_STATES_AT + random_below(&images_random, 4096);
    if (kind < 9) return IMAGE_STATES_AT + random_below(&images_random, 48 << 10);
    return random_below(&images_random, image_bytes);
}

static void damage_bytes(unsigned char *image) {
    for (size_t n = 1 + random_below(&images_random, 3); n > 0; n--)
        image[some_offset() % image_bytes] ^=
            (unsigned char)(1 + random_below(&images_random, 255));
}

static void damage_word(unsigned char *image) {
    uint64_t word = interesting_word();
    memcpy(&image[some_offset() % (image_bytes - 8) & ~(size_t)7], &word, sizeof word);
}

static void damage_range(unsigned char *image) {
    size_t at = random_below(&images_random, image_bytes - 8192) & ~(size_t)63;
    size_t from = random_below(&images_random, image_bytes - 8192) & ~(size_t)63;
    size_t bytes = random_below(&images_random, 8192);
    if (random_below(&images_random, 2) == 0)
        memset(&image[at], 0, bytes);
    else
        memmove(&image[at], &image[from], bytes);
}

/* Damages the image, and returns its new size. */
static size_t damage(unsigned char *image) {
    size_t kind = random_below(&images_random, 10);
    if (kind < 5)
        damage_bytes(image);
    else if (kind < 7)
        damage_word(image);
    else if (kind < 8)
        damage_range(image);
    else if (kind < 9)
        return random_below(&images_random, image_bytes);
    else
        return image_bytes + 1 + random_below(&images_random, IMAGE_ROOM - image_bytes - 1);
    return image_bytes;
}

/* ---- tests ---- */

static bool is_refusal(enum mallow_result result) {
    return result == MALLOW_DAMAGED || result == MALLOW_FOREIGN_IMAGE ||
           result == MALLOW_NEWER_IMAGE;
}

/* Runs the test in a child, so that a crash or hang names the image. */
static void in_child(uint64_t *current, void (*test)(int fd, uint64_t *current)) {
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(HANGING_SECONDS);
        int fd = memfd_create("image", MFD_CLOEXEC);
        test(fd, current);
        _exit(0);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    if (status != 0)
        fail_msg("seed %lu: image %llu gives status %x", images_seed, (unsigned long long)*current,
                 (unsigned)status);
}

static uint64_t *shared_number(void) {
    uint64_t *number = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(number != MAP_FAILED);
    return number;
}

#define child_check(condition)                                                      \
    do {                                                                            \
        if (!(condition)) {                                                         \
            fprintf(stderr, "%s:%d: failed: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                               \
        }                                                                           \
    } while (0)

static void flip_one(int fd, size_t offset) {
    unsigned char byte = sealed[offset] ^ (unsigned char)(1 + random_below(&images_random, 255));
    write_image(fd, sealed, image_bytes);
    child_check(pwrite(fd, &byte, 1, (off_t)offset) == 1);
    struct mallow_shared *heap = NULL;
    enum mallow_result result = mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN, NULL);
    if (!is_refusal(result)) fprintf(stderr, "byte %zu gives %d\n", offset, (int)result);
    child_check(is_refusal(result));
    child_check(errno == EUCLEAN || errno == ENOEXEC || errno == EPROTO);
}

static void flip_all(int fd, uint64_t *current) {
    for (*current = 0; *current < image_bytes; ++*current)
        if (*current < sizeof(struct image_header) || random_below(&images_random, 100) == 0)
            flip_one(fd, *current);
}

static void truncate_sealed(int fd, uint64_t *current) {
    struct mallow_shared *heap = NULL;
    for (*current = 1; *current < 300; ++*current) {
        size_t bytes = *current < 100 ? *current : random_below(&images_random, image_bytes);
        if (bytes == 0) continue;
        write_image(fd, sealed, bytes);
        child_check(is_refusal(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN, NULL)));
        write_image(fd, sealed, image_bytes);
        child_check(ftruncate(fd, (off_t)(image_bytes + bytes)) == 0);
        child_check(is_refusal(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN, NULL)));
    }
    write_image(fd, sealed, image_bytes);
    child_check(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN, NULL) == MALLOW_OK);
    mallow_shared_close(heap);
}

static void sealed_images(void **state) {
    (void)state;
    uint64_t *current = shared_number();
    in_child(current, flip_all);
    in_child(current, truncate_sealed);
}

/* Counts the outcomes in current[1] to current[3]. */
static void damage_all(int fd, uint64_t *current) {
    static unsigned char image[IMAGE_ROOM];
    for (*current = 0; *current < 1500; ++*current) {
        const unsigned char *original = *current % 3 == 0   ? sealed
                                        : *current % 3 == 1 ? unsealed
                                                            : pending;
        images_random = (images_seed * 100000 + *current) * 0x9e3779b97f4a7c15 | 1;
        memcpy(image, original, image_bytes);
        memset(&image[image_bytes], 0, IMAGE_ROOM - image_bytes);
        size_t bytes = damage(image);
        if (bytes == image_bytes && memcmp(image, original, bytes) == 0) continue;
        write_image(fd, image, bytes);
        bool read_only = random_below(&images_random, 8) == 0;
        enum mallow_result result =
            try_image(fd, read_only ? MALLOW_SHARED_READ_ONLY : MALLOW_SHARED_OPEN);
        child_check(result == MALLOW_OK || is_refusal(result) ||
                    (result == MALLOW_NOT_FOUND && bytes == 0) ||
                    (result == MALLOW_DENIED && read_only));
        child_check(original != sealed || result != MALLOW_OK);
        current[result == MALLOW_OK ? 1 : 2]++;
    }
}

static void damaged_images(void **state) {
    (void)state;
    uint64_t *current = shared_number();
    in_child(current, damage_all);
    print_message("%d images were refused, %d were heaps that work\n", (int)current[2],
                  (int)current[1]);
    assert_true(current[1] > 0 && current[2] >= 500);
}

static void garbage_all(int fd, uint64_t *current) {
    static unsigned char image[IMAGE_ROOM];
    for (*current = 0; *current < 300; ++*current) {
        size_t bytes = 1 + random_below(&images_random, *current % 2 == 0 ? 10000 : IMAGE_ROOM - 1);
        for (size_t i = 0; i < bytes; i++) image[i] = (unsigned char)random_next(&images_random);
        if (*current % 3 != 0) memcpy(image, sealed, bytes < 8 ? bytes : 8);
        write_image(fd, image, bytes);
        child_check(is_refusal(try_image(fd, MALLOW_SHARED_OPEN)));
        child_check(is_refusal(try_image(fd, MALLOW_SHARED_READ_ONLY)));
        struct mallow_shared *heap = NULL;
        child_check(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_CREATE, NULL) == MALLOW_EXISTS);
        child_check(
            is_refusal(mallow_shared_open_fd(&heap, fd, MALLOW_SHARED_OPEN_OR_CREATE, NULL)));
        struct stat file;
        child_check(fstat(fd, &file) == 0 && (size_t)file.st_size == bytes);
    }
}

static void garbage(void **state) {
    (void)state;
    in_child(shared_number(), garbage_all);
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_images),
        cmocka_unit_test(damaged_images),
        cmocka_unit_test(garbage),
    };
    images_seed = argc > 1 ? strtoul(argv[1], NULL, 10) : (unsigned long)getpid();
    images_random = images_seed * 0x9e3779b97f4a7c15 | 1;
    printf("seed %lu\n", images_seed);
    return cmocka_run_group_tests(tests, make_images, NULL);
}
