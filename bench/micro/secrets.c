/* Times the life of secrets of 32 bytes with this library and with libsodium, and measures their
 * memory. Prints "NAME NANOSECONDS" and "NAME BYTES" lines.
 *
 *     secrets mallow|sodium SECRETS     measures
 *     secrets mallow|sodium count       prints how many secrets a process can have, up to a million
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <mallow/secret.h>

enum { SECRET_BYTES = 32, SECRETS_MAX = 1000000 };

static void *secrets[SECRETS_MAX];

/* ---- the two libraries ---- */

struct library {
    const char *name;
    void *(*create)(void);
    void (*close)(void *p), (*open)(void *p), (*close_again)(void *p), (*free)(void *p);
    void (*free_all)(size_t count);
};

static void require(int is_true) {
    if (!is_true) abort();
}

static void *mallow_create(void) { return mallow_secret_alloc(SECRET_BYTES, 0); }
static void mallow_close(void *p) { require(mallow_secret_close(p, MALLOW_SECRET_WRITE) == 0); }
static void mallow_open(void *p) { require(mallow_secret_open(p, MALLOW_SECRET_READ) == 0); }
static void mallow_shut(void *p) { require(mallow_secret_close(p, MALLOW_SECRET_READ) == 0); }
static void mallow_free(void *p) { require(mallow_secret_free(p) == 0); }
static void mallow_free_every(size_t count) {
    require(mallow_secret_free_all(secrets, count) == 0);
}

static void *sodium_create(void) { return sodium_malloc(SECRET_BYTES); }
static void sodium_close(void *p) { require(sodium_mprotect_noaccess(p) == 0); }
static void sodium_open(void *p) { require(sodium_mprotect_readonly(p) == 0); }
static void sodium_free_every(size_t count) {
    for (size_t i = 0; i < count; i++) sodium_free(secrets[i]);
}

static const struct library libraries[] = {
    {"mallow", mallow_create, mallow_close, mallow_open, mallow_shut, mallow_free,
     mallow_free_every},
    {"sodium", sodium_create, sodium_close, sodium_open, sodium_close, sodium_free,
     sodium_free_every},
};

/* ---- measuring ---- */

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* Returns a field of /proc/self/status in bytes. */
static double status(const char *field) {
    char line[256];
    double kib = 0;
    FILE *file = fopen("/proc/self/status", "r");
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (strncmp(line, field, strlen(field)) == 0) kib = atof(line + strlen(field) + 1);
    fclose(file);
    return kib * 1024;
}

static size_t create(const struct library *library, size_t count) {
    for (size_t i = 0; i < count; i++) {
        secrets[i] = library->create();
        if (secrets[i] == NULL) return i;
        memset(secrets[i], (int)i, SECRET_BYTES);
    }
    return count;
}

static void read_one(const void *p, size_t i) {
    require(*(const volatile unsigned char *)p == (unsigned char)i);
}

static double since(double *start) {
    double end = now(), passed = end - *start;
    *start = end;
    return passed;
}

/* All secrets go through each step together. */
static void measure_together(const struct library *library, size_t count) {
    double resident = status("VmRSS"), locked = status("VmLck"), start = now();
    require(create(library, count) == count);
    printf("create %.0f\n", since(&start));
    for (size_t i = 0; i < count; i++) library->close(secrets[i]);
    printf("close %.0f\n", since(&start));
    printf("resident %.0f\nlocked %.0f\n", status("VmRSS") - resident, status("VmLck") - locked);
    start = now();
    for (size_t i = 0; i < count; i++) library->open(secrets[i]);
    for (size_t i = 0; i < count; i++) read_one(secrets[i], i);
    printf("open %.0f\n", since(&start));
    library->free_all(count);
    printf("free %.0f\n", since(&start));
}

/* Each secret is opened, read, closed and freed on its own, while all others are closed. */
static void measure_alone(const struct library *library, size_t count) {
    double start = now();
    require(create(library, count) == count);
    for (size_t i = 0; i < count; i++) library->close(secrets[i]);
    start = now();
    for (size_t i = 0; i < count; i++) {
        library->open(secrets[i]);
        read_one(secrets[i], i);
        library->close_again(secrets[i]);
    }
    printf("open-close-alone %.0f\n", since(&start));
    for (size_t i = 0; i < count; i++) library->free(secrets[i]);
    printf("free-alone %.0f\n", since(&start));
}

int main(int argc, char **argv) {
    require(argc == 3 && sodium_init() >= 0);
    const struct library *library = &libraries[strcmp(argv[1], "sodium") == 0];
    if (strcmp(argv[2], "count") == 0) {
        /* There are so many mappings that neither stdio nor the library's destructors can get
         * memory. */
        char text[32];
        int length = snprintf(text, sizeof text, "count %zu\n", create(library, SECRETS_MAX));
        _Exit(write(STDOUT_FILENO, text, (size_t)length) != length);
    }
    size_t count = (size_t)atol(argv[2]);
    require(count <= SECRETS_MAX);
    /* The first secret of the process has additional costs, which are not measured. */
    library->free(library->create());
    measure_together(library, count);
    measure_alone(library, count);
}
