#include "failing_os.h"

#include "os.h"

const char *const os_call_names[OS_CALLS] = {"reserve", "commit",    "extend", "break_move",
                                             "protect", "purge",     "map",    "unmap",
                                             "remap",   "move_pages"};

static struct {
    enum os_call kind;
    long first, last, made, failed;
    bool unnoticed;
} plan;

static long failed_ever[OS_CALLS];

void os_fail(enum os_call kind, long first, long last) {
    plan.kind = kind;
    plan.first = first;
    plan.last = last;
    plan.made = plan.failed = 0;
    plan.unnoticed = false;
}

void os_fail_unnoticed(enum os_call kind, long first, long last) {
    os_fail(kind, first, last);
    plan.unnoticed = true;
}

long os_calls_failed(void) { return plan.failed; }
long os_failed_ever(enum os_call kind) { return failed_ever[kind]; }

static bool fails(enum os_call kind) {
    if (plan.kind != OS_ANY && plan.kind != kind) return false;
    plan.made++;
    if (plan.made < plan.first || plan.made > plan.last) return false;
    plan.failed++;
    failed_ever[kind]++;
    return true;
}

/* Where a caller ends up that does not ask whether it got memory: it may touch none of this. */
void *__real_os_reserve(size_t bytes);
static void *no_memory(size_t bytes) { return plan.unnoticed ? __real_os_reserve(bytes) : NULL; }

/* ---- what the linker puts in place of os.h's functions (ld --wrap) ---- */

void *__wrap_os_reserve(size_t bytes);
void *__wrap_os_reserve(size_t bytes) {
    return fails(OS_RESERVE) ? no_memory(bytes) : __real_os_reserve(bytes);
}

bool __real_os_commit(void *start, size_t bytes);
bool __wrap_os_commit(void *start, size_t bytes);
bool __wrap_os_commit(void *start, size_t bytes) {
    return fails(OS_COMMIT) ? plan.unnoticed : __real_os_commit(start, bytes);
}

bool __real_os_extend(void *start, size_t bytes);
bool __wrap_os_extend(void *start, size_t bytes);
bool __wrap_os_extend(void *start, size_t bytes) {
    return fails(OS_EXTEND) ? plan.unnoticed : __real_os_extend(start, bytes);
}

bool __real_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to) {
    return fails(OS_BREAK_MOVE) ? plan.unnoticed : __real_os_break_move(from, to);
}

bool __real_os_protect(void *start, size_t bytes);
bool __wrap_os_protect(void *start, size_t bytes);
bool __wrap_os_protect(void *start, size_t bytes) {
    return fails(OS_PROTECT) ? plan.unnoticed : __real_os_protect(start, bytes);
}

bool __real_os_purge(void *start, size_t bytes);
bool __wrap_os_purge(void *start, size_t bytes);
bool __wrap_os_purge(void *start, size_t bytes) {
    return fails(OS_PURGE) ? plan.unnoticed : __real_os_purge(start, bytes);
}

void *__real_os_map(size_t bytes);
void *__wrap_os_map(size_t bytes);
void *__wrap_os_map(size_t bytes) {
    return fails(OS_MAP) ? no_memory(bytes) : __real_os_map(bytes);
}

bool __real_os_unmap(void *start, size_t bytes);
bool __wrap_os_unmap(void *start, size_t bytes);
bool __wrap_os_unmap(void *start, size_t bytes) {
    return fails(OS_UNMAP) ? plan.unnoticed : __real_os_unmap(start, bytes);
}

void *__real_os_remap(void *start, size_t old_bytes, size_t new_bytes);
void *__wrap_os_remap(void *start, size_t old_bytes, size_t new_bytes);
void *__wrap_os_remap(void *start, size_t old_bytes, size_t new_bytes) {
    return fails(OS_REMAP) ? no_memory(new_bytes) : __real_os_remap(start, old_bytes, new_bytes);
}

bool __real_os_move_pages(void *from, void *to, size_t bytes);
bool __wrap_os_move_pages(void *from, void *to, size_t bytes);
bool __wrap_os_move_pages(void *from, void *to, size_t bytes) {
    return fails(OS_MOVE_PAGES) ? plan.unnoticed : __real_os_move_pages(from, to, bytes);
}
