/*
 * The driver of the fuzzer runs inputs in children and keeps those that fail.
 *     fuzz --seconds=N --keep=FOLDER SEEDS...   runs mutated inputs of all targets for that time
 *     fuzz --run=TARGET FILE...                 runs these inputs unchanged
 * SEEDS are folders with a folder for each target. First each seed runs unchanged. Then come a
 * fixed number of inputs from a fixed start of the random numbers, and further ones from a random
 * start, which is printed; --random=NUMBER sets it. If an input crashes, causes a report of a
 * sanitizer or does not end, the driver saves it in FOLDER, prints its name and exits with status
 * 1.
 *
 * A child runs many inputs one after another. Shared memory tells the parent which input was
 * running when the child died.
 */
#include "driver.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)1 << 20)
#define BATCH 100u       /* inputs of a child */
#define FIXED_BATCHES 3u /* of each target, from the fixed start */
#define FIXED_START 1u
#define PATIENCE 60            /* seconds of processor time for an input */
#define WRITTEN_MAX (64 << 20) /* bytes of a file that the code under test writes */

const char *__asan_default_options(void);
const char *__asan_default_options(void) {
    return "detect_leaks=0:allocator_may_return_null=1:max_allocation_size_mb=1024:"
           "hard_rss_limit_mb=3000:handle_abort=1";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void) { return "print_stacktrace=1:halt_on_error=1"; }

/* exit() and err() are wrapped (wrap.c), so the driver does not use them. */
static _Noreturn void die(const char *what, const char *why) {
    fprintf(stderr, "fuzz: %s: %s\n", what, why);
    _exit(2);
}

/* ---- random numbers ---- */

static uint64_t state;

static uint64_t next_number(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

uint64_t choose(uint64_t limit) { return limit == 0 ? 0 : next_number() % limit; }

/* ---- seeds ---- */

struct seed {
    char *bytes;
    size_t size;
    const struct target *target;
    char *path;
};

static struct seed *seeds;
static size_t seed_count;

static void *or_fail(void *allocated) {
    if (allocated == NULL) die("memory", strerror(errno));
    return allocated;
}

static char *join(const char *folder, const char *name) {
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

static struct seed read_seed(const struct target *target, char *path) {
    struct seed seed = {or_fail(malloc(INPUT_MAX)), 0, target, path};
    FILE *file = fopen(path, "re");
    if (file == NULL) die(path, strerror(errno));
    seed.size = has_suffix(path, ".hex") ? read_hex(file, seed.bytes)
                                         : fread(seed.bytes, 1, INPUT_MAX, file);
    fclose(file);
    return seed;
}

static void add_seed(struct seed seed) {
    seeds = or_fail(realloc(seeds, (seed_count + 1) * sizeof *seeds));
    seeds[seed_count++] = seed;
}

static void add_folder(const struct target *target, const char *folder) {
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < count; i++) {
        char *path = join(folder, entries[i]->d_name);
        struct stat file;
        if (stat(path, &file) == 0 && S_ISREG(file.st_mode)) add_seed(read_seed(target, path));
        free(entries[i]);
    }
    if (count >= 0) free(entries);
}

static const struct seed *any_seed(const struct target *target) {
    size_t count = 0, chosen;
    for (size_t i = 0; i < seed_count; i++) count += seeds[i].target == target;
    chosen = choose(count);
    for (size_t i = 0; i < seed_count; i++)
        if (seeds[i].target == target && chosen-- == 0) return &seeds[i];
    die(target->name, "has no seeds");
}

/* ---- mutations ---- */

struct input {
    char *bytes;
    size_t size;
};

static void cut(struct input *input, size_t at, size_t length) {
    memmove(input->bytes + at, input->bytes + at + length, input->size - at - length);
    input->size -= length;
}

static void insert(struct input *input, size_t at, const char *bytes, size_t length) {
    if (length > INPUT_MAX - input->size) return;
    memmove(input->bytes + at + length, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, bytes, length);
    input->size += length;
}

/* Most pieces are short. */
static size_t some_length(size_t most) {
    size_t length = choose(4) == 0 ? choose(most + 1) : choose(64) + 1;
    return length < most ? length : most;
}

static void set_number(struct input *input, size_t at) {
    static const uint64_t numbers[] = {0,
                                       1,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       INT64_MAX,
                                       1ull << 63,
                                       UINT64_MAX,
                                       0x10000,
                                       0xfffffff0,
                                       UINT64_MAX - 15,
                                       0x1000,
                                       0x100000000};
    uint64_t number = numbers[choose(sizeof numbers / sizeof numbers[0])] + choose(3) - 1;
    size_t length = (size_t)1 << choose(4);
    if (length > input->size - at) length = input->size - at;
    memcpy(input->bytes + at, &number, length);
}

static void copy_piece(struct input *input, size_t at, const struct seed *from) {
    size_t begin = choose(from->size + 1), length = some_length(from->size - begin);
    if (choose(2) == 0) {
        insert(input, at, from->bytes + begin, length);
    } else {
        size_t room = input->size - at;
        memcpy(input->bytes + at, from->bytes + begin, length < room ? length : room);
    }
}

static void insert_word(struct input *input, size_t at, const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    const char *word = words[choose(count)];
    insert(input, at, word, strlen(word));
}

static void repeat_piece(struct input *input, size_t at) {
    size_t length = some_length(input->size - at),
           times = choose(8) == 0 ? choose(2000) : choose(8);
    char *piece = or_fail(malloc(length + 1));
    memcpy(piece, input->bytes + at, length);
    for (; times > 0 && length > 0; times--) insert(input, at, piece, length);
    free(piece);
}

static void mutate_once(struct input *input, const struct seed *seed, size_t at) {
    bool in = at < input->size;
    /* Most moves in a binary file make the rest unreadable, so they are rare. */
    bool moves = seed->target->words != NULL || choose(10) == 0;
    switch (choose(seed->target->words != NULL ? 9 : moves ? 7 : 4)) {
    case 0:
    case 1:
        if (in) input->bytes[at] = (char)(input->bytes[at] ^ (1 << choose(8)));
        break;
    case 2:
        if (in) input->bytes[at] = (char)next_number();
        break;
    case 3:
        set_number(input, at);
        break;
    case 4:
        copy_piece(input, at, any_seed(seed->target));
        break;
    case 5:
        cut(input, at, choose(20) == 0 ? input->size - at : some_length(input->size - at));
        break;
    case 6:
        repeat_piece(input, at);
        break;
    default:
        insert_word(input, at, seed->target->words);
    }
}

/* Returns a random place, rarely one amid zeros, which fill much of an ELF file. */
static size_t some_place(const struct input *input) {
    size_t at = choose(input->size + 1);
    for (int tries = 0; tries < 8 && at < input->size && input->bytes[at] == 0; tries++)
        at = choose(input->size + 1);
    return at;
}

/* Makes several changes, half of which are near each other. */
static void mutate(struct input *input, const struct seed *seed) {
    memcpy(input->bytes, seed->bytes, seed->size);
    input->size = seed->size;
    size_t near = some_place(input);
    for (uint64_t changes = choose(choose(3) == 0 ? 40 : 5) + 1; changes > 0; changes--) {
        size_t at = choose(2) == 0 ? some_place(input) : near + choose(100);
        mutate_once(input, seed, at < input->size ? at : input->size);
    }
}

/* ---- the child ---- */

struct progress {
    size_t size;
    unsigned done;
    char bytes[INPUT_MAX];
};

static struct progress *progress;
static jmp_buf end_of_input;
static int written_file = -1;

void end_input(void) { longjmp(end_of_input, 1); }

void wrong(const char *file, int line, const char *what) {
    dprintf(STDERR_FILENO, "%s:%d: failed: %s\n", file, line, what);
    abort();
}

const char *input_file(const char *bytes, size_t size) {
    static char path[64];
    if (written_file >= 0) close(written_file);
    written_file = memfd_create("input", MFD_CLOEXEC);
    for (ssize_t n; size > 0; bytes += n, size -= (size_t)n)
        if ((n = write(written_file, bytes, size)) <= 0) die("memfd", strerror(errno));
    snprintf(path, sizeof path, "/proc/self/fd/%d", written_file);
    return path;
}

/* Runs the target on a copy in a block of its own, so that a read past its end is detected. */
static void run_input(const struct target *target, const char *bytes, size_t size) {
    static const struct itimerval patience = {{0, 0}, {PATIENCE, 0}};
    char *volatile copy = or_fail(malloc(size + 1));
    memcpy(copy, bytes, size);
    copy[size] = '\0';
    setitimer(ITIMER_PROF, &patience, NULL);
    if (setjmp(end_of_input) == 0) target->run(copy, size);
    free(copy);
}

static void prepare_child(const char *scratch, const char *errors) {
    const struct rlimit none = {0, 0}, written = {WRITTEN_MAX, WRITTEN_MAX};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGXFSZ, SIG_IGN); /* Writes beyond the limit fail without a signal. */
    setrlimit(RLIMIT_CORE, &none);
    setrlimit(RLIMIT_FSIZE, &written);
    int fd = open(errors, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0 || dup2(fd, STDERR_FILENO) < 0 || chdir(scratch) != 0) _exit(2);
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    dup2(null, STDIN_FILENO);
    dup2(null, STDOUT_FILENO);
}

/* Runs mutated inputs, or only `unchanged`, if it is not NULL. */
static void run_batch(const struct target *target, const struct seed *unchanged) {
    for (progress->done = 0; progress->done < (unchanged != NULL ? 1 : BATCH); progress->done++) {
        struct input input = {progress->bytes, 0};
        if (unchanged == NULL) {
            mutate(&input, any_seed(target));
        } else {
            memcpy(input.bytes, unchanged->bytes, unchanged->size);
            input.size = unchanged->size;
        }
        progress->size = input.size;
        run_input(target, input.bytes, input.size);
    }
}

/* ---- the parent ---- */

static struct {
    const char *keep;
    char *scratch, *errors;
    unsigned long inputs, findings;
} fuzz;

static void write_file(const char *path, const char *bytes, size_t size) {
    FILE *file = fopen(path, "we");
    if (file == NULL) die(path, strerror(errno));
    fwrite(bytes, 1, size, file);
    if (fclose(file) != 0) die(path, strerror(errno));
}

static void print_errors(void) {
    char line[1024];
    FILE *errors = fopen(fuzz.errors, "re");
    for (int i = 0; i < 60 && errors != NULL && fgets(line, sizeof line, errors) != NULL; i++)
        fprintf(stderr, "    %s", line);
    if (errors != NULL) fclose(errors);
}

static void report(const struct target *target, int status, uint64_t start) {
    char name[128];
    snprintf(name, sizeof name, "%s-%lx-%u", target->name, start, progress->done);
    char *path = join(fuzz.keep, name);
    write_file(path, progress->bytes, progress->size);
    fprintf(stderr, "%s failed with %s %d: the input is in %s\n", target->name,
            WIFSIGNALED(status) ? "signal" : "status",
            WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status), path);
    print_errors();
    free(path);
    fuzz.findings++;
}

/* Runs a batch from this start of the random numbers, or one seed unchanged, in a child. Returns
 * false if the child failed. */
static bool run_child(const struct target *target, uint64_t start, const struct seed *unchanged) {
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (child < 0) die("fork", strerror(errno));
    if (child == 0) {
        prepare_child(fuzz.scratch, fuzz.errors);
        state = start;
        run_batch(target, unchanged);
        _exit(0);
    }
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
    fuzz.inputs += progress->done;
    if (status != 0) report(target, status, start);
    return status == 0;
}

static double seconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Runs batches of all targets until END, but at least `rounds_min` rounds. */
static void run_rounds(uint64_t start, double end, unsigned rounds_min) {
    for (unsigned round = 0; round < rounds_min || seconds() < end; round++)
        for (const struct target *target = targets; target->name != NULL; target++)
            run_child(target, start + ((uint64_t)round << 8) + (uint64_t)(target - targets), NULL);
}

static void prepare(void) {
    char scratch[] = "/tmp/mallow-fuzz-XXXXXX";
    if (mkdtemp(scratch) == NULL) die(scratch, strerror(errno));
    fuzz.scratch = or_fail(strdup(scratch));
    fuzz.errors = join(scratch, "errors");
    progress =
        mmap(NULL, sizeof *progress, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (progress == MAP_FAILED) die("memory", strerror(errno));
    mkdir(fuzz.keep, 0700);
}

static void clean_up(void) {
    char *command;
    if (asprintf(&command, "rm -rf '%s'", fuzz.scratch) < 0 || system(command) != 0)
        fprintf(stderr, "%s cannot be removed\n", fuzz.scratch);
}

static const struct target *find_target(const char *name) {
    for (const struct target *target = targets; target->name != NULL; target++)
        if (strcmp(target->name, name) == 0) return target;
    die(name, "is not a target");
}

static void load_seeds(char **folders) {
    for (; *folders != NULL; folders++)
        for (const struct target *target = targets; target->name != NULL; target++) {
            char *folder = join(*folders, target->name);
            add_folder(target, folder);
            free(folder);
        }
}

int main(int argc, char **argv) {
    static const struct option options[] = {{"seconds", required_argument, NULL, 's'},
                                            {"keep", required_argument, NULL, 'k'},
                                            {"random", required_argument, NULL, 'r'},
                                            {"run", required_argument, NULL, 'x'},
                                            {NULL, 0, NULL, 0}};
    double duration = 60, begin = seconds();
    uint64_t random = (uint64_t)time(NULL) << 16 ^ (uint64_t)getpid();
    const struct target *only = NULL;
    fuzz.keep = "findings";
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 's') duration = atof(optarg);
        if (option == 'k') fuzz.keep = optarg;
        if (option == 'r') random = strtoull(optarg, NULL, 0);
        if (option == 'x') only = find_target(optarg);
        if (option == '?') return 2;
    }
    prepare();
    if (only == NULL) load_seeds(argv + optind);
    for (char **file = argv + optind; only != NULL && *file != NULL; file++)
        add_seed(read_seed(only, *file));
    for (size_t i = 0; i < seed_count; i++)
        if (!run_child(seeds[i].target, 0, &seeds[i])) fprintf(stderr, "seed %s\n", seeds[i].path);
    if (only == NULL) {
        printf("%zu seeds; random numbers from %u, then from %lu\n", seed_count, FIXED_START,
               random);
        fflush(stdout);
        run_rounds(FIXED_START, 0, FIXED_BATCHES);
        run_rounds(random, begin + duration, 1);
    }
    printf("%lu inputs in %.0f seconds, %lu findings\n", fuzz.inputs, seconds() - begin,
           fuzz.findings);
    clean_up();
    return fuzz.findings != 0;
}
