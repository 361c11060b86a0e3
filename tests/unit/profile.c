/* The profile of a process: its file, its sections and the occasions of snapshots. The blocks are
 * invented; tests/profile reads the files of real programs. */
#include "unit.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/settings.h"
#include "os/os.h"
#include "os/os_append.h"
#include "profile/profile.h"
#include "profile/profile_block.h"
#include "profile/profile_file.h"
#include "profile/samples.h"

static char directory[] = "/tmp/mallow.profile.XXXXXX", path[64];
static int64_t now = 1000000000000;

int64_t __wrap_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void) { return now; }

/* ---- a reader ---- */

static struct {
    unsigned blocks, of_type[MALLOW_PROFILE_PAGES + 1], reason[MALLOW_PROFILE_OFF + 1];
    uint64_t live, sections;
    long size, whole;
} file;

static char content[1 << 20];

/* Reads a number, which may not be complete. */
static uint64_t number(const uint8_t **at) {
    uint64_t value = 0;
    for (unsigned shift = 0; shift < 64; shift += 7) {
        value |= (uint64_t)(**at & 0x7f) << shift;
        if (*(*at)++ < 0x80) break;
    }
    return value;
}

static size_t number_of(const uint8_t *bytes, size_t count) {
    size_t value = 0;
    for (size_t i = 0; i < count; i++) value |= (size_t)bytes[i] << 8 * i;
    return value;
}

/* Counts the live samples: six numbers each, with an estimate before the last two. */
static unsigned count_live(const uint8_t *at, const uint8_t *end) {
    unsigned count = 0;
    for (; at < end; count++) {
        bool large = (number(&at) & 2) != 0;
        number(&at);
        number(&at);
        at += large ? 0 : 4;
        number(&at);
        number(&at);
    }
    assert_true(at == end);
    return count;
}

static void read_block(const char *at, size_t length) {
    struct mallow_profile_block head;
    memcpy(&head, at, sizeof head);
    const uint8_t *body = (const uint8_t *)at + sizeof head;
    assert_int_equal(profile_block_checksum(0, at + 8, length + 4), number_of(head.checksum, 4));
    file.blocks++;
    file.of_type[head.type]++;
    if (head.type == MALLOW_PROFILE_SNAPSHOT) file.reason[number(&body)]++;
    if (head.type == MALLOW_PROFILE_LIVE) file.live = count_live(body, body + length);
    for (int i = 0; head.type == MALLOW_PROFILE_PROCESS && i < 10; i++)
        file.sections = number(&body); /* the last one of ten */
}

static void read_bytes(int fd) {
    memset(&file, 0, sizeof file);
    file.size = (long)pread(fd, content, sizeof content, 0);
    struct mallow_profile_block head;
    while (file.whole + (long)sizeof head <= file.size) {
        memcpy(&head, content + file.whole, sizeof head);
        assert_memory_equal(head.magic, MALLOW_PROFILE_MAGIC, sizeof head.magic);
        size_t length = number_of(head.length, sizeof head.length);
        if (length > (uint64_t)(file.size - file.whole) - sizeof head) break;
        read_block(content + file.whole, length);
        file.whole += (long)(sizeof head + length);
    }
}

static bool read_path(const char *name) {
    int fd = open(name, O_RDONLY);
    if (fd < 0) return false;
    read_bytes(fd);
    close(fd);
    return true;
}

/* ---- the program ---- */

/* The outermost frame is in the module of this test. */
static void add(unsigned from, unsigned to) {
    for (unsigned i = from; i < to; i++) {
        uint32_t outermost = call_tree_node(0, (uintptr_t)add + 1);
        stack_id stack = call_tree_node(outermost, 0x2000 + i % 10);
        assert_true(samples_add((void *)(uintptr_t)(0x10000 + 16 * i), 100, false, stack));
        profile_tick(100);
    }
}

static void forget(const void *p, bool large) { (void)p, (void)large; }

static void begin(void) {
    snprintf(path, sizeof path, "%s/%d", directory, getpid());
    settings.sample = 4096;
    if (!profile_file_choose(path) || profile_start() != 0) _exit(2);
}

/* A fork without its handlers: for the library, the child is not one. */
static pid_t raw_fork(void) { return (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); }

/* Runs a function in a process in which the library starts. */
static void in_child(void (*function)(void)) {
    pid_t child = raw_fork();
    if (child == 0) {
        function();
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

#define CHECK(condition) \
    if (!(condition)) fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition), _exit(1)

/* Returns true if so many snapshots describe the whole process. The blocks of this test are
 * invented, so they pin nothing and the heap has no pages, and no setting was given. */
static bool is_described(unsigned times) {
    static const unsigned types[] = {MALLOW_PROFILE_FILES, MALLOW_PROFILE_MAPPINGS,
                                     MALLOW_PROFILE_RANGES};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (file.of_type[types[i]] != times) {
            fprintf(stderr, "%u blocks of type %u\n", file.of_type[types[i]], types[i]);
            return false;
        }
    return true;
}

static void write_snapshots(void) {
    begin();
    CHECK(read_path(path) && file.blocks == 1 && file.of_type[MALLOW_PROFILE_PROCESS] == 1);
    add(0, 100);
    CHECK(read_path(path) && file.blocks == 1);
    now += 100000000;
    add(100, 200);
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 1);
    CHECK(file.reason[MALLOW_PROFILE_PERIODIC] == 1 && file.of_type[MALLOW_PROFILE_LIVE] == 0);
    CHECK(file.of_type[MALLOW_PROFILE_STACKS] == 1 && file.of_type[MALLOW_PROFILE_THREADS] == 1);
    CHECK(file.of_type[MALLOW_PROFILE_MODULES] == 1 && file.of_type[MALLOW_PROFILE_SITES] == 1);
    profile_no_memory();
    CHECK(read_path(path) && file.reason[MALLOW_PROFILE_NO_MEMORY] == 1 && file.live == 200);
    CHECK(file.of_type[MALLOW_PROFILE_STACKS] == 1 && file.of_type[MALLOW_PROFILE_THREADS] == 1);
    profile_no_memory();
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 3);
    CHECK(file.reason[MALLOW_PROFILE_ERROR] == 1 && file.whole == file.size);
    CHECK(is_described(2));
}

/* Adds a block that a function in that place allocated. */
static void add_from(uintptr_t pc, uintptr_t block) {
    assert_true(samples_add((void *)block, 100, false, call_tree_node(0, pc)));
    profile_error();
}

static void write_modules(void) {
    void *page = os_map(os_page_size());
    begin();
    add(0, 10);
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_MODULES] == 1);
    add_from((uintptr_t)add + 2, 0x100000);
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_MODULES] == 1);
    add_from((uintptr_t)page, 0x200000); /* not in a module */
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_MODULES] == 1);
    add_from((uintptr_t)dlsym(RTLD_NEXT, "getpid") + 1, 0x300000);
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_MODULES] == 2);
    /* Another part of a file at the same address is another module. */
    int program = open("/proc/self/exe", O_RDONLY);
    size_t bytes = os_page_size();
    for (int i = 0; i < 2; i++) {
        CHECK(mmap(page, bytes, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_FIXED, program,
                   i * (off_t)bytes) == page);
        add_from((uintptr_t)page + 1 + (uintptr_t)i, 0x400000 + 16 * (uintptr_t)i);
        CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_MODULES] == 3 + (unsigned)i);
    }
}

static void modules_are_written_once(void **state) {
    (void)state;
    in_child(write_modules);
}

static void snapshots_are_written_when_due(void **state) {
    (void)state;
    in_child(write_snapshots);
}

static void intervals_grow(void) {
    begin();
    for (int second = 0; second < 24 * 3600; second += 1) {
        now += 1000000000;
        add(0, 1);
    }
    CHECK(read_path(path));
    CHECK(file.of_type[MALLOW_PROFILE_DONE] >= 100 && file.of_type[MALLOW_PROFILE_DONE] <= 400);
}

static void a_long_run_has_few_snapshots(void **state) {
    (void)state;
    in_child(intervals_grow);
}

static void close_all(void) {
    begin();
    add(0, 10);
    for (int fd = 3; fd < 2000; fd++) close(fd);
    int own = open("/dev/null", O_RDWR);
    for (int fd = 900; fd < 1100; fd++) dup2(own, fd);
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 1);
    for (int fd = 3; fd < 2000; fd++) close(fd);
    CHECK(rename(path, "/dev/shm/mallow.profile.moved") == 0 || errno == EXDEV);
    unlink(path);
    close(open(path, O_CREAT | O_WRONLY, 0600));
    profile_error(); /* the name is another file now */
    CHECK(read_path(path) && file.size == 0);
    unlink("/dev/shm/mallow.profile.moved");
}

static void closed_descriptors_are_opened_again(void **state) {
    (void)state;
    in_child(close_all);
}

static void fill_up(void) {
    begin();
    add(0, 100);
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 1);
    long size = file.size;
    struct rlimit limit = {(rlim_t)size + 500, RLIM_INFINITY};
    setrlimit(RLIMIT_FSIZE, &limit);
    add(100, 200);
    profile_error();
    CHECK(read_path(path) && file.size == size);
    limit.rlim_cur = RLIM_INFINITY;
    setrlimit(RLIMIT_FSIZE, &limit);
    profile_error();
    CHECK(read_path(path) && file.whole == file.size);
    CHECK(file.of_type[MALLOW_PROFILE_DONE] == 2 && file.live == 200);
    CHECK(file.of_type[MALLOW_PROFILE_STACKS] == 2); /* the discarded ones were described again */
}

static void a_full_disk_leaves_whole_snapshots(void **state) {
    (void)state;
    in_child(fill_up);
}

static void fork_child(void) {
    char name[80];
    begin();
    add(0, 100);
    profile_error();
    pid_t child = fork();
    if (child == 0) {
        CHECK(samples_remove((void *)0x10000));
        snprintf(name, sizeof name, "%s.%d", path, getpid());
        CHECK(!read_path(name));
        add(100, 101);
        now += 100000000;
        add(101, 102);
        CHECK(read_path(name) && file.of_type[MALLOW_PROFILE_DONE] == 1);
        profile_error();
        CHECK(read_path(name) && file.live == 101 && file.whole == file.size);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    profile_error();
    CHECK(read_path(path) && file.live == 100 && file.of_type[MALLOW_PROFILE_PROCESS] == 1);
}

static void a_forked_child_has_its_own_file(void **state) {
    (void)state;
    in_child(fork_child);
}

/* Without the handlers of fork, as in _Fork(2). */
static void raw_fork_child(void) {
    char name[80];
    begin();
    add(0, 100);
    profile_error();
    pid_t child = raw_fork();
    if (child == 0) {
        add(100, 101);
        profile_error();
        snprintf(name, sizeof name, "%s.%d", path, getpid());
        CHECK(read_path(name) && file.live == 101);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 1);
}

static void a_child_without_handlers_has_its_own_file(void **state) {
    (void)state;
    in_child(raw_fork_child);
}

/* A program that executes another one appends a section. */
static void executed(void) {
    begin();
    add(0, 10);
    profile_error();
    int fd = open(path, O_WRONLY | O_APPEND);
    CHECK(read_path(path) && write(fd, content, 30) == 30); /* an incomplete block */
    long size = file.size;
    for (fd = 3; fd < 2000; fd++) close(fd);
    uint32_t sections = 99;
    CHECK(profile_file_open(&sections) == 0 && sections == 1);
    CHECK(read_path(path) && file.size == size);
    /* Another process has begun the file. */
    CHECK(chdir(directory) == 0);
    fd = open(path, O_RDWR);
    CHECK(pwrite(fd, "\1", 1, sizeof(struct mallow_profile_block) + 1) == 1);
    for (fd = 3; fd < 2000; fd++) close(fd);
    CHECK(profile_file_open(&sections) == 0 && sections == 0);
    char name[80];
    snprintf(name, sizeof name, "%s.%d", path, getpid());
    CHECK(read_path(name) && file.size == 0);
}

static void a_file_is_continued_by_its_process_only(void **state) {
    (void)state;
    in_child(executed);
}

static void refuse(void) {
    char name[80];
    uint32_t sections;
    snprintf(path, sizeof path, "%s/link", directory);
    CHECK(symlink("target", path) == 0 && profile_file_choose(path));
    CHECK(profile_file_open(&sections) == ELOOP);
    CHECK(profile_file_choose("/dev/full") && profile_file_open(&sections) == ENODEV);
    CHECK(profile_file_choose(directory) && profile_file_open(&sections) == EISDIR);
    CHECK(profile_file_choose("/none/file") && profile_file_open(&sections) == ENOENT);
    profile_file_after_fork();
    snprintf(path, sizeof path, "%s/guessed", directory);
    snprintf(name, sizeof name, "%s.%d", path, getpid());
    CHECK(profile_file_choose(path));
    close(open(path, O_CREAT | O_WRONLY, 0600));
    CHECK(link(path, name) == 0 && profile_file_open(&sections) == EPERM);
    if (getuid() != 0) return;
    unlink(name);
    unlink(path);
    close(open(name, O_CREAT | O_WRONLY, 0666));
    CHECK(chown(name, 1, 1) == 0 && profile_file_open(&sections) == EPERM);
}

static void other_files_are_refused(void **state) {
    (void)state;
    in_child(refuse);
}

static void request(void) {
    settings.sample = 4096;
    profile_file_choose("");
    CHECK(profile_start() == 0);
    add(0, 50);
    for (int i = 0; i < 3; i++) {
        int fd = memfd_create("profile", 0);
        CHECK(fd >= 0 && profile_write_to(fd, i != 1));
        read_bytes(fd);
        CHECK(file.whole == file.size && file.of_type[MALLOW_PROFILE_PROCESS] == 1);
        CHECK(file.live == 50 && file.reason[MALLOW_PROFILE_REQUEST] == 1);
        CHECK(is_described(i != 1));
        CHECK(file.of_type[MALLOW_PROFILE_STACKS] == 1 && file.of_type[MALLOW_PROFILE_SITES] == 1);
        close(fd);
    }
    int full = open("/dev/full", O_RDWR);
    CHECK(!profile_write_to(full, true));
}

static void a_request_gets_everything(void **state) {
    (void)state;
    in_child(request);
}

static void change_rate(void) {
    begin();
    add(0, 20);
    profile_set_rate(0);
    CHECK(read_path(path) && file.reason[MALLOW_PROFILE_OFF] == 1 && file.live == 20);
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_DONE] == 1);
    samples_forget_all(forget); /* the mode does this */
    profile_set_rate(1000);
    add(0, 5);
    profile_error();
    CHECK(read_path(path) && file.of_type[MALLOW_PROFILE_PROCESS] == 2 && file.live == 5);
    CHECK(file.sections == 1);
}

static void sampling_can_be_switched(void **state) {
    (void)state;
    in_child(change_rate);
}

/* A process that is killed at any time leaves a file with whole blocks, and at most one that is
 * not whole. */
static void be_killed(void) {
    begin();
    for (unsigned i = 0;; i = (i + 1) % 1000) {
        now += 1000000000;
        add(i, i + 1);
    }
}

static void a_killed_process_leaves_whole_snapshots(void **state) {
    (void)state;
    for (int i = 0; i < 20; i++) {
        pid_t child = raw_fork();
        if (child == 0) be_killed();
        snprintf(path, sizeof path, "%s/%d", directory, child);
        while (!read_path(path) || file.of_type[MALLOW_PROFILE_DONE] == 0) usleep(1000);
        usleep((useconds_t)(777 * i));
        kill(child, SIGKILL);
        waitpid(child, NULL, 0);
        assert_true(read_path(path));
        assert_true(file.of_type[MALLOW_PROFILE_DONE] > 0);
        unlink(path);
    }
}

static void checksums_are_those_of_zlib(void **state) {
    (void)state;
    assert_int_equal(profile_block_checksum(0, "123456789", 9), 0xcbf43926);
    assert_int_equal(profile_block_checksum(profile_block_checksum(0, "1234", 4), "56789", 5),
                     0xcbf43926);
}

static int make_directory(void **state) {
    (void)state;
    return mkdtemp(directory) == NULL;
}

static int remove_directory(void **state) {
    (void)state;
    char command[80];
    snprintf(command, sizeof command, "rm -r %s", directory);
    return system(command);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checksums_are_those_of_zlib),
        cmocka_unit_test(a_killed_process_leaves_whole_snapshots),
        cmocka_unit_test(snapshots_are_written_when_due),
        cmocka_unit_test(modules_are_written_once),
        cmocka_unit_test(a_long_run_has_few_snapshots),
        cmocka_unit_test(closed_descriptors_are_opened_again),
        cmocka_unit_test(a_full_disk_leaves_whole_snapshots),
        cmocka_unit_test(a_forked_child_has_its_own_file),
        cmocka_unit_test(a_child_without_handlers_has_its_own_file),
        cmocka_unit_test(a_file_is_continued_by_its_process_only),
        cmocka_unit_test(other_files_are_refused),
        cmocka_unit_test(a_request_gets_everything),
        cmocka_unit_test(sampling_can_be_switched),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
