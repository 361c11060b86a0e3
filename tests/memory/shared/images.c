/* Images that were changed, truncated, or made by other programs are refused, and never crash the
 * process. */
#include "heap_test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>

#include "shared/image.h"

static unsigned char *image;
static size_t image_bytes;
static int fd;

static unsigned below(unsigned limit) { return (unsigned)rand() % limit; }

static void write_image(size_t bytes) {
    assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
    assert_int_equal(pwrite(fd, image, bytes, 0), bytes);
}

/* Opens the image. Returns the result. If it is MALLOW_OK, checks the heap and closes it. */
static enum mallow_result open_image(enum mallow_shared_how how) {
    struct mallow_shared *heap = NULL;
    enum mallow_result result = mallow_shared_open_fd(&heap, fd, how, NULL);
    assert_int_equal(result == MALLOW_OK, heap != NULL);
    if (heap == NULL) {
        assert_int_not_equal(errno, 0);
        assert_string_equal(mallow_last_error().function, "mallow_shared_open_fd");
        return result;
    }
    check_heap(heap);
    assert_ok(mallow_shared_close(heap));
    return result;
}

static bool is_refusal(enum mallow_result result) {
    return result == MALLOW_DAMAGED || result == MALLOW_FOREIGN_IMAGE ||
           result == MALLOW_NEWER_IMAGE;
}

static void use_heap(struct mallow_shared *heap) {
    mallow_shared_handle handle;
    assert_ok(mallow_shared_find_or_alloc(heap, "name", 5000, &handle, NULL));
    memset(mallow_shared_at(heap, handle), 'a', 5000);
    assert_ok(mallow_shared_alloc_into(heap, mallow_shared_root(heap), 100));
    for (size_t size = 0; size < 1500; size += 100)
        assert_ok(mallow_shared_alloc(heap, size, &handle));
    assert_ok(mallow_shared_free(heap, handle));
}

/* Stores the image of a heap that was closed, or whose process was killed. */
static void make_image(bool is_closed, uint64_t maximum) {
    struct mallow_shared *heap = new_heap(64 << 10, maximum);
    char path[40]; /* a copy of the descriptor would count as a user */
    snprintf(path, sizeof path, "/proc/self/fd/%d", mallow_shared_fd(heap));
    int heap_fd = open(path, O_RDWR);
    use_heap(heap);
    image_bytes = (size_t)lseek(heap_fd, 0, SEEK_END);
    image = realloc(image, image_bytes);
    if (is_closed) assert_ok(mallow_shared_close(heap));
    assert_int_equal(pread(heap_fd, image, image_bytes, 0), image_bytes);
    if (!is_closed) assert_ok(mallow_shared_close(heap));
    close(heap_fd);
    write_image(image_bytes);
}

static struct image_header *header(void) { return (struct image_header *)(void *)image; }

static int set_up(void **state) {
    (void)state;
    fd = memfd_create("image", 0);
    return fd < 0;
}

/* ---- sealed images ---- */

static void flip_one(size_t at, unsigned mask) {
    unsigned char changed = (unsigned char)(image[at] ^ mask);
    assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
    enum mallow_result result =
        open_image(at % 2 == 0 ? MALLOW_SHARED_OPEN : MALLOW_SHARED_OPEN_OR_CREATE);
    if (!is_refusal(result)) fail_msg("byte %zu ^ %u: result %d", at, mask, result);
    assert_int_equal(pwrite(fd, &image[at], 1, (off_t)at), 1);
}

static void a_changed_byte_is_an_error(void **state) {
    (void)state;
    make_image(true, 64 << 10);
    size_t used = offsetof(struct image_header, unused4);
    for (size_t at = 0; at < used; at++) flip_one(at, 1u << below(8));
    for (int i = 0; i < 1000; i++) flip_one(below((unsigned)image_bytes), 1 + below(255));
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_OK);
}

/* The image of a heap that can grow has holes. */
static void a_changed_byte_in_a_hole_is_an_error(void **state) {
    (void)state;
    make_image(true, 64 << 20);
    for (int i = 0; i < 50; i++) flip_one(below((unsigned)image_bytes), 1 + below(255));
    assert_int_equal(open_image(MALLOW_SHARED_READ_ONLY), MALLOW_OK);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_OK);
}

static void several_changed_bytes_are_an_error(void **state) {
    (void)state;
    make_image(true, 64 << 10);
    unsigned char *original = malloc(image_bytes);
    memcpy(original, image, image_bytes);
    for (int i = 0; i < 300; i++) {
        for (unsigned n = 2 + below(30); n > 0; n--)
            image[below(4) == 0 ? below(1 << 12) : below((unsigned)image_bytes)] ^=
                (unsigned char)(1 + below(255));
        write_image(image_bytes);
        assert_true(is_refusal(open_image(MALLOW_SHARED_OPEN)));
        memcpy(image, original, image_bytes);
    }
    free(original);
}

/* A block of the file at another position is a change, although no word of the block differs. */
static void a_moved_block_is_an_error(void **state) {
    (void)state;
    make_image(true, 1 << 20);
    size_t from = image_bytes / 4096 * 4096;
    do from -= 4096;
    while (image[from] == 0);
    memcpy(image + from + 4096, image + from, 4096);
    memset(image + from, 0, 4096);
    write_image(image_bytes);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_DAMAGED);
}

static void a_wrong_length_is_an_error(void **state) {
    (void)state;
    make_image(true, 64 << 10);
    for (int i = 0; i < 200; i++) {
        write_image(image_bytes);
        size_t bytes = i < 100 ? 1 + (size_t)i : 1 + below((unsigned)image_bytes - 1);
        assert_int_equal(ftruncate(fd, (off_t)bytes), 0);
        assert_true(is_refusal(open_image(MALLOW_SHARED_OPEN_OR_CREATE)));
    }
    write_image(image_bytes);
    assert_int_equal(ftruncate(fd, (off_t)image_bytes + 1), 0);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_DAMAGED);
    assert_string_equal(
        mallow_error_text(MALLOW_DAMAGED),
        "mallow_shared_open_fd: the image is damaged: the file has another size (at "
        "byte 131073)");
    assert_int_equal(ftruncate(fd, 0), 0);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_NOT_FOUND);
}

/* ---- images of killed processes ---- */

/* A changed byte outside of blocks is found, unless it has no meaning. */
static void a_killed_process_leaves_no_seal(void **state) {
    (void)state;
    make_image(false, 64 << 10);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_OK);
    unsigned refused = 0;
    for (int i = 0; i < 1500; i++) {
        write_image(i < 1200 ? image_bytes : 1 + below((unsigned)image_bytes - 1));
        size_t at = IMAGE_STATES_AT + below(8192);
        if (i % 4 == 0) at = below(sizeof(struct image_header));
        unsigned char changed = (unsigned char)(image[at] ^ (1 + below(255)));
        if (i < 1200) assert_int_equal(pwrite(fd, &changed, 1, (off_t)at), 1);
        enum mallow_result result = open_image(MALLOW_SHARED_OPEN);
        assert_true(result == MALLOW_OK || is_refusal(result));
        refused += result != MALLOW_OK;
        assert_true(i < 1200 || result != MALLOW_OK);
    }
    assert_true(refused > 700);
}

/* The check compares each of these parts of the image. */
static void the_check_names_the_problem(void **state) {
    (void)state;
    make_image(false, 64 << 10);
    unsigned char *original = malloc(image_bytes);
    memcpy(original, image, image_bytes);
    struct image_header *h = header();
    struct image_step *now = &h->step[h->commit & 1];
    unsigned char *states = image + IMAGE_STATES_AT;
    uint64_t *index = (uint64_t *)(void *)(states + 4096);
    struct image_name *names = (struct image_name *)(void *)(image + IMAGE_NAMES_AT);
    size_t small = 0, open = 0, large = 0;
    while (states[small] < STATE_SMALL) small++;
    while (states[open] <= STATE_FREE || states[open] >= STATE_USED) open++;
    while (states[large] != STATE_USED + 4) large++;
    for (int i = 0; i < 14; i++) {
        const char *problem = NULL;
        switch (i) {
        case 0:
            states[small] = 0, problem = "a block is missing";
            break;
        case 1:
            states[small] = STATE_SMALL + 17, problem = "a block has a wrong state";
            break;
        case 2:
            states[small] = STATE_USED, problem = "a block has a wrong state";
            break;
        case 3:
            states[small] = STATE_USED + 40, problem = "a block has a wrong state";
            break;
        case 4:
            states[open + 1] = STATE_SMALL, problem = "a block inside a block";
            break;
        case 5:
            states[large + 2] = 0x3f, problem = "a block has a wrong size";
            break;
        case 6:
            names[0].name[0] = 0, problem = "a name is not a string";
            break;
        case 7:
            memset(names[0].name, 'x', 56), problem = "a name is not a string";
            break;
        case 8:
            now->blocks++, problem = "the amounts differ from the blocks";
            break;
        case 9:
            now->used++, problem = "the amounts differ from the blocks";
            break;
        case 10:
            now->requested++, problem = "the amounts differ from the blocks";
            break;
        case 11:
            h->orders ^= 1, problem = "two levels of the index differ";
            break;
        case 12:
            h->commit = 7, problem = "a step makes no sense";
            break;
        default:
            index[0] |= 1, problem = "the index has a block that is not free";
            break;
        }
        write_image(image_bytes);
        assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_DAMAGED);
        if (strcmp(mallow_last_error().problem, problem) != 0)
            fail_msg("%d: %s instead of %s", i, mallow_last_error().problem, problem);
        memcpy(image, original, image_bytes);
    }
    now->units = h->maximum + 1;
    write_image(image_bytes);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_DAMAGED);
    memcpy(image, original, image_bytes);
    /* The image is not in use, and a step is pending: the first process completes it, and later
     * processes must not. */
    h->commit ^= STEP_PENDING;
    write_image(image_bytes);
    assert_int_equal(open_image(MALLOW_SHARED_READ_ONLY), MALLOW_DENIED);
    assert_int_equal(errno, EROFS);
    free(original);
}

/* ---- other files ---- */

static void other_files_are_foreign(void **state) {
    (void)state;
    make_image(true, 64 << 10);
    struct image_header original = *header();
    memset(image, 0, 100000);
    write_image(image_bytes); /* as on a CD */
    assert_int_equal(open_image(MALLOW_SHARED_OPEN_OR_CREATE), MALLOW_FOREIGN_IMAGE);
    assert_int_equal(errno, ENOEXEC);
    *header() = original;
    header()->magic = __builtin_bswap64(original.magic);
    write_image(image_bytes);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN_OR_CREATE), MALLOW_FOREIGN_IMAGE);
    strcpy((char *)image, "hello");
    write_image(5);
    assert_true(is_refusal(open_image(MALLOW_SHARED_OPEN_OR_CREATE)));
    int ends[2];
    struct mallow_shared *heap;
    assert_int_equal(pipe(ends), 0);
    assert_int_not_equal(mallow_shared_open_fd(&heap, ends[0], MALLOW_SHARED_READ_ONLY, NULL),
                         MALLOW_OK);
    close(ends[0]);
    close(ends[1]);
    assert_result(mallow_shared_open_file(&heap, "/dev/null", MALLOW_SHARED_OPEN, NULL),
                  MALLOW_FOREIGN_IMAGE);
    assert_int_not_equal(mallow_shared_open_file(&heap, "/tmp", MALLOW_SHARED_OPEN, NULL),
                         MALLOW_OK);
}

static void a_newer_version_is_an_error(void **state) {
    (void)state;
    make_image(true, 64 << 10);
    header()->version++;
    header()->sum = image_header_sum(header());
    write_image(image_bytes);
    assert_int_equal(open_image(MALLOW_SHARED_OPEN), MALLOW_NEWER_IMAGE);
    assert_int_equal(errno, EPROTO);
    assert_string_equal(mallow_error_text(MALLOW_NEWER_IMAGE),
                        "mallow_shared_open_fd: a later version of the library made the image");
}

/* An image in use cannot be shared with a libc that has other mutexes. */
static void another_libc_is_an_error(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1), *other;
    uint64_t kind = 1;
    int heap_fd = mallow_shared_fd(heap);
    off_t at = offsetof(struct image_header, lock_kind);
    assert_int_equal(pwrite(heap_fd, &kind, sizeof kind, at), sizeof kind);
    assert_result(mallow_shared_open_fd(&other, heap_fd, MALLOW_SHARED_OPEN, NULL),
                  MALLOW_FOREIGN_IMAGE);
    assert_ok(mallow_shared_close(heap));
}

/* The heap's data is overwritten while it is in use. */
static void damage_in_use_is_an_error(void **state) {
    (void)state;
    struct mallow_shared *heap = new_heap(1, 1);
    mallow_shared_handle a, b;
    assert_ok(mallow_shared_alloc(heap, 100, &a));
    unsigned char *states = (unsigned char *)mallow_shared_root(heap) -
                            offsetof(struct image_header, root) + IMAGE_STATES_AT;
    unsigned char state_a = states[0];
    struct mallow_shared_finding finding;
    states[0] = STATE_USED + 43;
    assert_result(mallow_shared_free(heap, a), MALLOW_DAMAGED);
    assert_int_equal(errno, EUCLEAN);
    assert_result(mallow_shared_check(heap, &finding), MALLOW_DAMAGED);
    assert_string_equal(finding.problem, "a block has a wrong state");
    assert_int_equal(finding.position, IMAGE_STATES_AT);
    states[0] = state_a;
    states[8] = 0; /* a free block that the index has */
    assert_result(mallow_shared_alloc(heap, 100, &b), MALLOW_DAMAGED);
    assert_ok(mallow_shared_close(heap));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_changed_byte_is_an_error),
        cmocka_unit_test(a_changed_byte_in_a_hole_is_an_error),
        cmocka_unit_test(several_changed_bytes_are_an_error),
        cmocka_unit_test(a_moved_block_is_an_error),
        cmocka_unit_test(a_wrong_length_is_an_error),
        cmocka_unit_test(a_killed_process_leaves_no_seal),
        cmocka_unit_test(the_check_names_the_problem),
        cmocka_unit_test(other_files_are_foreign),
        cmocka_unit_test(a_newer_version_is_an_error),
        cmocka_unit_test(another_libc_is_an_error),
        cmocka_unit_test(damage_in_use_is_an_error),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
