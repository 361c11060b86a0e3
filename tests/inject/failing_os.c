/* Wraps the functions of os.h, so that chosen calls fail. */
#include "failing_os.h"

#include "limited_os.h"
#include "paged_os.h"

#include "os/os.h"

const char *const os_call_names[OS_CALLS] = {
    "reserve", "commit", "extend", "break_move",     "protect",     "purge",
    "map",     "unmap",  "remap",  "move_pages",     "advise_huge", "reserve_at",
    "discard", "mark",   "unmark", "remap_in_place", "remap_to",    "unprotect"};

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

long os_calls_made(void) { return plan.made; }
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

/* charge and settle charge memory only if it is granted. */
static bool refused(enum os_call kind) {
    plan.failed++;
    failed_ever[kind]++;
    return false;
}

static bool charge(enum os_call kind, size_t bytes) {
    return limited_charge(bytes) || refused(kind);
}

static bool settle(size_t bytes, bool granted) {
    if (!granted) limited_credit(bytes);
    return granted;
}

/* Returns inaccessible memory if the failure goes unnoticed: a caller that uses it faults. */
void *__real_os_reserve(size_t bytes);
static void *no_memory(size_t bytes) { return plan.unnoticed ? __real_os_reserve(bytes) : NULL; }

/* ---- the wrappers of os.h's functions (ld --wrap) ---- */

void *__wrap_os_reserve(size_t bytes);
void *__wrap_os_reserve(size_t bytes) {
    paged_check(NULL, bytes);
    return fails(OS_RESERVE) ? no_memory(bytes) : __real_os_reserve(bytes);
}

bool __real_os_commit(void *start, size_t bytes);
bool __wrap_os_commit(void *start, size_t bytes);
bool __wrap_os_commit(void *start, size_t bytes) {
    paged_check(start, bytes);
    if (fails(OS_COMMIT)) return plan.unnoticed;
    if (limited_was_protected(start)) return __real_os_commit(start, bytes);
    return charge(OS_COMMIT, bytes) && settle(bytes, __real_os_commit(start, bytes));
}

enum os_extended __real_os_extend(void *start, size_t bytes);
enum os_extended __wrap_os_extend(void *start, size_t bytes);
enum os_extended __wrap_os_extend(void *start, size_t bytes) {
    paged_check(start, bytes);
    /* Every second failure looks as if the memory were occupied. */
    if (fails(OS_EXTEND))
        return plan.unnoticed         ? OS_EXTENDED
               : plan.failed % 2 == 0 ? OS_EXTEND_OCCUPIED
                                      : OS_EXTEND_REFUSED;
    if (!charge(OS_EXTEND, bytes)) return OS_EXTEND_REFUSED;
    enum os_extended extended = __real_os_extend(start, bytes);
    settle(bytes, extended == OS_EXTENDED);
    return extended;
}

bool __real_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to);
bool __wrap_os_break_move(char *from, char *to) {
    if (fails(OS_BREAK_MOVE)) return plan.unnoticed;
    size_t up = to > from ? (size_t)(to - from) : 0, down = from > to ? (size_t)(from - to) : 0;
    if (!charge(OS_BREAK_MOVE, up) || !settle(up, __real_os_break_move(from, to))) return false;
    limited_credit(down);
    return true;
}

bool __real_os_protect(void *start, size_t bytes);
bool __wrap_os_protect(void *start, size_t bytes);
bool __wrap_os_protect(void *start, size_t bytes) {
    paged_check(start, bytes);
    if (fails(OS_PROTECT)) return plan.unnoticed;
    limited_protected(start);
    return __real_os_protect(start, bytes);
}

bool __real_os_unprotect(void *start, size_t bytes);
bool __wrap_os_unprotect(void *start, size_t bytes);
bool __wrap_os_unprotect(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_UNPROTECT) ? plan.unnoticed : __real_os_unprotect(start, bytes);
}

bool __real_os_purge(void *start, size_t bytes);
bool __wrap_os_purge(void *start, size_t bytes);
bool __wrap_os_purge(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_PURGE) ? plan.unnoticed : __real_os_purge(start, bytes);
}

void *__wrap_os_map(size_t bytes);
void *__wrap_os_map(size_t bytes) {
    if (fails(OS_MAP)) return no_memory(bytes);
    if (!charge(OS_MAP, bytes)) return NULL;
    void *start = paged_map(bytes);
    return settle(bytes, start != NULL) ? start : NULL;
}

bool __real_os_unmap(void *start, size_t bytes);
bool __wrap_os_unmap(void *start, size_t bytes);
bool __wrap_os_unmap(void *start, size_t bytes) {
    paged_check(start, bytes);
    if (fails(OS_UNMAP)) return plan.unnoticed;
    if (!__real_os_unmap(start, bytes)) return false;
    limited_credit(bytes);
    return true;
}

void *__wrap_os_remap(void *start, size_t old_bytes, size_t new_bytes);
void *__wrap_os_remap(void *start, size_t old_bytes, size_t new_bytes) {
    if (fails(OS_REMAP)) return no_memory(new_bytes);
    size_t more = new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (!charge(OS_REMAP, more)) return NULL;
    void *moved = paged_remap(start, old_bytes, new_bytes);
    if (!settle(more, moved != NULL)) return NULL;
    limited_credit(old_bytes + more - new_bytes);
    return moved;
}

bool __real_os_remap_in_place(void *start, size_t old_bytes, size_t new_bytes);
bool __wrap_os_remap_in_place(void *start, size_t old_bytes, size_t new_bytes);
bool __wrap_os_remap_in_place(void *start, size_t old_bytes, size_t new_bytes) {
    paged_check(start, old_bytes);
    paged_check(NULL, new_bytes);
    if (fails(OS_REMAP_IN_PLACE)) return plan.unnoticed;
    size_t more = new_bytes - old_bytes;
    return charge(OS_REMAP_IN_PLACE, more) &&
           settle(more, __real_os_remap_in_place(start, old_bytes, new_bytes));
}

bool __real_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes);
bool __wrap_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes);
bool __wrap_os_remap_to(void *start, size_t old_bytes, void *to, size_t new_bytes) {
    paged_check(start, old_bytes);
    paged_check(to, new_bytes);
    if (fails(OS_REMAP_TO)) return plan.unnoticed;
    size_t more = new_bytes > old_bytes ? new_bytes - old_bytes : 0;
    if (!charge(OS_REMAP_TO, more) ||
        !settle(more, __real_os_remap_to(start, old_bytes, to, new_bytes)))
        return false;
    if (new_bytes < old_bytes) limited_credit(old_bytes - new_bytes);
    return true;
}

void *__real_os_move_pages(void *from, size_t bytes);
void *__wrap_os_move_pages(void *from, size_t bytes);
void *__wrap_os_move_pages(void *from, size_t bytes) {
    paged_check(from, bytes);
    if (fails(OS_MOVE_PAGES)) return no_memory(bytes);
    if (!charge(OS_MOVE_PAGES, bytes)) return NULL;
    void *moved = __real_os_move_pages(from, bytes);
    return settle(bytes, moved != NULL) ? moved : NULL;
}

bool __real_os_advise_huge(void *start, size_t bytes);
bool __wrap_os_advise_huge(void *start, size_t bytes);
bool __wrap_os_advise_huge(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_ADVISE_HUGE) ? plan.unnoticed : __real_os_advise_huge(start, bytes);
}

bool __real_os_reserve_at(void *start, size_t bytes);
bool __wrap_os_reserve_at(void *start, size_t bytes);
bool __wrap_os_reserve_at(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_RESERVE_AT) ? plan.unnoticed : __real_os_reserve_at(start, bytes);
}

bool __real_os_discard(void *start, size_t bytes);
bool __wrap_os_discard(void *start, size_t bytes);
bool __wrap_os_discard(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_DISCARD) ? plan.unnoticed : __real_os_discard(start, bytes);
}

bool __real_os_mark(void *start, size_t bytes);
bool __wrap_os_mark(void *start, size_t bytes);
bool __wrap_os_mark(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_MARK) ? plan.unnoticed : __real_os_mark(start, bytes);
}

bool __real_os_unmark(void *start, size_t bytes);
bool __wrap_os_unmark(void *start, size_t bytes);
bool __wrap_os_unmark(void *start, size_t bytes) {
    paged_check(start, bytes);
    return fails(OS_UNMARK) ? plan.unnoticed : __real_os_unmark(start, bytes);
}
