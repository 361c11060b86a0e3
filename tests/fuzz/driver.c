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
#include "fail.h"
#include "mutate.h"
#include "seed_list.h"

#include <fcntl.h>
#include <getopt.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>

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
        start_numbers(start);
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
    for (char **file = argv + optind; only != NULL && *file != NULL; file++) add_seed(only, *file);
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
