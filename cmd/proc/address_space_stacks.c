/* Finds the stacks of the threads of a process. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/printable.h"
#include "common/xalloc.h"
#include "proc/address_space.h"
#include "proc/proc.h"

/* glibc maps this much for a thread's stack if the stack has no limit. */
#define STACK_DEFAULT ((uint64_t)2 << 20)

/* ---- threads ---- */

/* Reads the first line of /proc/PID/task/TID/NAME. */
static bool stacks_read_line(pid_t process, pid_t thread, const char *name, char *line, int size) {
    char path[64];
    snprintf(path, sizeof path, "task/%d/%s", (int)thread, name);
    FILE *file = proc_open(process, path);
    if (file == NULL) return false;
    bool read = fgets(line, size, file) != NULL;
    fclose(file);
    if (read) line[strcspn(line, "\n")] = '\0';
    return read;
}

/* Returns the last number but one of "NUMBER ARGUMENTS... SP PC". A thread that is running shows
 * "running" instead. */
static uint64_t stacks_read_pointer(pid_t process, pid_t thread) {
    char line[256];
    if (!stacks_read_line(process, thread, "syscall", line, sizeof line)) return 0;
    char *last = strrchr(line, ' ');
    if (last == NULL) return 0;
    *last = '\0';
    char *before = strrchr(line, ' ');
    return before != NULL ? strtoull(before, NULL, 16) : 0;
}

static void stacks_add_thread(struct address_space *space, pid_t id) {
    struct thread thread = {.id = id, .stack_pointer = stacks_read_pointer(space->process, id)};
    if (!stacks_read_line(space->process, id, "comm", thread.name, sizeof thread.name)) return;
    make_printable(thread.name, strlen(thread.name), "");
    space->threads = xgrow(space->threads, space->thread_count, sizeof thread);
    space->threads[space->thread_count++] = thread;
}

static int stacks_compare_threads(const void *a, const void *b) {
    pid_t one = ((const struct thread *)a)->id, other = ((const struct thread *)b)->id;
    return (one > other) - (one < other);
}

void address_space_read_threads(struct address_space *space) {
    DIR *directory = opendir(proc_path(space->process, "task").text);
    if (directory == NULL) return;
    for (struct dirent *entry; (entry = readdir(directory)) != NULL;)
        if (isdigit((unsigned char)entry->d_name[0]))
            stacks_add_thread(space, (pid_t)strtol(entry->d_name, NULL, 10));
    closedir(directory);
    if (space->thread_count != 0)
        qsort(space->threads, space->thread_count, sizeof *space->threads, stacks_compare_threads);
}

const struct thread *address_space_thread(const struct address_space *space, pid_t id) {
    struct thread key = {.id = id};
    if (space->thread_count == 0) return NULL;
    return bsearch(&key, space->threads, space->thread_count, sizeof key, stacks_compare_threads);
}

/* ---- stacks ---- */

/* Returns the size of the guard below the region, or 0. Where the kernel and libc mark guard pages
 * without a mapping of their own (MADV_GUARD_INSTALL), it is part of the region. */
static uint64_t stacks_guard(const struct address_space *space, const struct region *region) {
    const struct region *below = region - 1;
    if (region == space->regions || below->end != region->start || !region_is_inaccessible(below))
        return 0;
    return region_bytes(below) <= GUARD_MAX ? region_bytes(below) : 0;
}

static bool stacks_has_shape(const struct address_space *space, const struct region *region) {
    return region->kind == REGION_ANONYMOUS && region->permissions[1] == 'w' &&
           !region_is_shared(region) &&
           (stacks_guard(space, region) != 0 || region_has_flag(region, "gu"));
}

static void stacks_mark_by_pointer(struct address_space *space, const struct thread *thread) {
    struct region *region = address_space_find(space, thread->stack_pointer);
    if (region == NULL) return;
    if (stacks_has_shape(space, region)) region->kind = REGION_THREAD_STACK;
    if (region->kind != REGION_THREAD_STACK && region->kind != REGION_MAIN_STACK) return;
    if (region->thread_count++ == 0) region->thread = thread->id;
}

#define STACK_SIZES 16

/* The sizes of stacks with their guards: the default, and those that are known by pointers. */
struct stacks_sizes {
    uint64_t of[STACK_SIZES];
    unsigned count;
};

static bool stacks_knows(const struct stacks_sizes *sizes, uint64_t size) {
    for (unsigned i = 0; i < sizes->count; i++)
        if (sizes->of[i] == size) return true;
    return false;
}

static uint64_t stacks_size(const struct address_space *space, const struct region *region) {
    return region_bytes(region) + stacks_guard(space, region);
}

static struct stacks_sizes stacks_known_sizes(const struct address_space *space) {
    struct stacks_sizes sizes = {
        .of = {space->stack_limit != 0 ? space->stack_limit : STACK_DEFAULT}, .count = 1};
    for (size_t i = 0; i < space->count && sizes.count < STACK_SIZES; i++) {
        uint64_t size = stacks_size(space, &space->regions[i]);
        if (space->regions[i].kind == REGION_THREAD_STACK && !stacks_knows(&sizes, size))
            sizes.of[sizes.count++] = size;
    }
    return sizes;
}

/* Stacks without a known thread are those of threads that are running, and those that libc keeps
 * for new threads. They are found by their sizes. glibc's default lies above the guard since
 * version 2.27, and includes it in older versions. */
void address_space_find_stacks(struct address_space *space) {
    for (size_t i = 0; i < space->thread_count; i++)
        if (space->threads[i].stack_pointer != 0) stacks_mark_by_pointer(space, &space->threads[i]);
    struct stacks_sizes sizes = stacks_known_sizes(space);
    for (size_t i = 0; i < space->count; i++) {
        struct region *region = &space->regions[i];
        if (stacks_has_shape(space, region) && (stacks_knows(&sizes, stacks_size(space, region)) ||
                                                stacks_knows(&sizes, region_bytes(region))))
            region->kind = REGION_THREAD_STACK;
        if (region->kind == REGION_MAIN_STACK && region->thread == 0)
            region->thread = space->process;
    }
}
