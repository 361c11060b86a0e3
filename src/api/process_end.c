/*
 * Replaces the functions with which a program ends, or executes another one, without calling its
 * destructors. They write the last snapshot of the profile, let the command read the rest of the
 * trace, and then call the original function. They write nothing in a process without samples, in a
 * child of vfork, and in a child of fork that has sampled nothing.
 *
 * The original function is the next one in the order of symbols, which may belong to another
 * library than libc. It is looked up when this library is loaded, because a program may call it
 * where it cannot take the loader's lock.
 */
#include "base/compiler.h"

#ifdef MALLOW_PRELOAD

#    include <dlfcn.h>
#    include <errno.h>
#    include <stdarg.h>
#    include <stddef.h>
#    include <unistd.h>

#    include "os/os_process.h"
#    include "profile/profile.h"
#    include "trace/trace_session.h"

typedef void process_end_exit_function(int status);
typedef int process_end_exec_function(const char *program, char *const arguments[],
                                      char *const environment[]);

static struct {
    process_end_exit_function *exit;
    process_end_exec_function *execve, *execvpe;
} process_end_next;

/* The functions below also call it, because the constructors of other libraries may run first. */
__attribute__((constructor(103))) static void process_end_look_up(void) {
    if (process_end_next.execvpe != NULL) return;
    process_end_next.exit = (process_end_exit_function *)dlsym(RTLD_NEXT, "_exit");
    process_end_next.execve = (process_end_exec_function *)dlsym(RTLD_NEXT, "execve");
    process_end_next.execvpe = (process_end_exec_function *)dlsym(RTLD_NEXT, "execvpe");
}

static void process_end_finish(void) {
    profile_ends();
    trace_flush();
}

/* ---- the end ---- */

static _Noreturn void process_end_exit(int status) {
    process_end_finish();
    process_end_look_up();
    if (process_end_next.exit != NULL) process_end_next.exit(status);
    os_end_copy(status);
}

EXPORT _Noreturn void _exit(int status) { process_end_exit(status); }
EXPORT _Noreturn void _Exit(int status) { process_end_exit(status); }

/* ---- another program ---- */

static int process_end_execute(process_end_exec_function *next, const char *program,
                               char *const arguments[], char *const environment[]) {
    if (next == NULL) {
        errno = ENOSYS;
        return -1;
    }
    process_end_finish();
    return next(program, arguments, environment);
}

EXPORT int execve(const char *program, char *const arguments[], char *const environment[]) {
    process_end_look_up();
    return process_end_execute(process_end_next.execve, program, arguments, environment);
}

EXPORT int execvpe(const char *program, char *const arguments[], char *const environment[]) {
    process_end_look_up();
    return process_end_execute(process_end_next.execvpe, program, arguments, environment);
}

EXPORT int execv(const char *program, char *const arguments[]) {
    return execve(program, arguments, environ);
}

EXPORT int execvp(const char *program, char *const arguments[]) {
    return execvpe(program, arguments, environ);
}

/* Returns the number of arguments before the NULL. */
static size_t process_end_count(const char *first, va_list list) {
    size_t count = 1;
    va_list again;
    if (first == NULL) return 0;
    va_copy(again, list);
    while (va_arg(again, const char *) != NULL) count++;
    va_end(again);
    return count;
}

/* Stores the arguments and the NULL. */
static void process_end_collect(char *arguments[], size_t count, const char *first, va_list *list) {
    arguments[0] = (char *)(uintptr_t)first;
    for (size_t i = 1; i <= count; i++) arguments[i] = va_arg(*list, char *);
}

EXPORT int execl(const char *program, const char *first, ...) {
    va_list list;
    va_start(list, first);
    size_t count = process_end_count(first, list);
    char *arguments[count + 1];
    process_end_collect(arguments, count, first, &list);
    va_end(list);
    return execve(program, arguments, environ);
}

EXPORT int execlp(const char *program, const char *first, ...) {
    va_list list;
    va_start(list, first);
    size_t count = process_end_count(first, list);
    char *arguments[count + 1];
    process_end_collect(arguments, count, first, &list);
    va_end(list);
    return execvpe(program, arguments, environ);
}

EXPORT int execle(const char *program, const char *first, ...) {
    va_list list;
    va_start(list, first);
    size_t count = process_end_count(first, list);
    char *arguments[count + 1];
    process_end_collect(arguments, count, first, &list);
    char *const *environment = va_arg(list, char *const *);
    va_end(list);
    return execve(program, arguments, environment);
}

#endif
