/* The program of the table: the blocks that it owns, accesses to forbidden memory, and main. */
#include "wide.h"

#include <dlfcn.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct kind {
    const char *name;
    const struct misuse *misuses;
} kinds[] = {
    {"double_free", double_frees},
    {"invalid_free", invalid_frees},
    {"neighbour", neighbours},
    {"stale_data", stale_data},
    {"after_free", uses_after_free},
    {"exploit", exploits},
    {"race", races},
    {"mismatch", mismatches},
    {"layout", layouts},
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static const struct {
    const char *name;
    size_t size;
} sizes[] = {
    {"64B", 64}, {"256B", 256}, {"4K", 4096}, {"256K", 256 * 1024}, {"64M", 64 * 1024 * 1024},
};
enum { SIZES = sizeof sizes / sizeof *sizes };

static void say(const char *text) {
    if (write(STDOUT_FILENO, text, strlen(text)) < 0) _exit(2);
}

void touching(void) { say("["); }
void touched(void) { say("]"); }

void gained(const char *what) {
    say("exploited: ");
    say(what);
    say("\n");
}

/* ---- blocks that the program owns ---- */

static struct block {
    const char *p;
    size_t size;
} live[1024];
static size_t live_count;

static bool overlap(const struct block *b, const char *p, size_t length) {
    return p < b->p + b->size && b->p < p + length;
}

bool hits_live(const char *p, size_t length, const char *but) {
    for (size_t i = 0; i < live_count; i++)
        if (live[i].p != but && overlap(&live[i], p, length)) return true;
    return false;
}

void owns(const void *p, size_t size) {
    if (p == NULL || live_count == sizeof live / sizeof *live) return;
    if (hits_live(p, size, NULL)) gained("a live block was handed out again");
    live[live_count++] = (struct block){.p = p, .size = size};
}

void disown(const void *p) {
    for (size_t i = 0; i < live_count; i++) {
        if (live[i].p != p) continue;
        live[i] = live[--live_count];
        return;
    }
}

char *obtain(size_t size) {
    char *p = malloc(size);
    owns(p, size);
    return p;
}

void release(char *p) {
    disown(p);
    free(p);
}

char *outgrow(char *p, size_t size) {
    obtain(size);
    char *grown = realloc(p, 3 * size);
    disown(p);
    owns(grown, 3 * size);
    return grown;
}

size_t some(size_t size, size_t number) {
    size_t fit = ((size_t)512 << 20) / size;
    return number < fit ? number : fit;
}

void profit(size_t size) {
    for (size_t i = 0; i < some(size, 16); i++) obtain(size);
}

/* ---- accesses to forbidden memory ---- */

void poke(char *p, char value, size_t length) {
    touching();
    memset(p, value, length);
    touched();
}

void poke_word(char *p, uintptr_t word) {
    touching();
    memcpy(p, &word, sizeof word);
    touched();
}

/* ---- threads, children, and functions that libc may lack ---- */

void in_thread(void *(*function)(void *), void *argument) {
    pthread_t thread;
    if (pthread_create(&thread, NULL, function, argument) != 0) _exit(2);
    pthread_join(thread, NULL);
}

void in_child(void (*function)(size_t size, char *p), size_t size, char *p) {
    int status = 0;
    pid_t child = fork();
    if (child == 0) {
        function(size, p);
        exit(0);
    }
    if (waitpid(child, &status, 0) != child) _exit(2);
    if (WIFSIGNALED(status)) {
        signal(WTERMSIG(status), SIG_DFL);
        kill(getpid(), WTERMSIG(status));
    }
}

void free_with_size(void *p, size_t size) {
    void (*function)(void *, size_t) = (void (*)(void *, size_t))dlsym(RTLD_DEFAULT, "free_sized");
    if (function == NULL)
        free(p);
    else
        function(p, size);
}

void free_with_alignment(void *p, size_t alignment, size_t size) {
    void (*function)(void *, size_t, size_t) =
        (void (*)(void *, size_t, size_t))dlsym(RTLD_DEFAULT, "free_aligned_sized");
    if (function == NULL)
        free(p);
    else
        function(p, alignment, size);
}

/* ---- the command ---- */

/* Returns KIND.MISUSE.SIZE in a static buffer. */
static const char *full_name(const struct kind *kind, const struct misuse *misuse, size_t size) {
    static char text[128];
    snprintf(text, sizeof text, "%s.%s.%s", kind->name, misuse->name, sizes[size].name);
    return text;
}

/* Prints all names, or runs the misuse with the given one. Returns false if there is none. */
static bool list_or_run(const char *name) {
    for (size_t k = 0; k < KINDS; k++)
        for (const struct misuse *m = kinds[k].misuses; m->name != NULL; m++)
            for (size_t s = 0; s < SIZES; s++) {
                const char *this = full_name(&kinds[k], m, s);
                if (name == NULL) puts(this);
                if (name == NULL || strcmp(name, this) != 0) continue;
                m->run(sizes[s].size, m->how);
                say("done\n");
                return true;
            }
    return name == NULL;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "list") == 0) return list_or_run(NULL) ? 0 : 2;
    if (argc == 3 && strcmp(argv[1], "run") == 0) return list_or_run(argv[2]) ? 0 : 2;
    if (argc == 3 && strcmp(argv[1], "address") == 0) /* see layout.c */
        return printf("%p\n", malloc(strtoull(argv[2], NULL, 0))) < 0;
    fputs("usage: wide list | wide run NAME | wide address SIZE\n", stderr);
    return 2;
}
