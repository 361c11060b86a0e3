/* Implements os_thread.h on Linux. */
#include "os/os_thread.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/prctl.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_call.h"

/* libc's record of a thread is at a constant distance from the thread's variables. */
static __thread char os_thread_anchor __attribute__((tls_model("initial-exec")));

uintptr_t os_thread_place(void) { return (uintptr_t)&os_thread_anchor; }

enum os_thread_asking { NOT_ASKING, BY_FUTEX, BY_SIGNAL };

/* Distances in bytes from the anchor; 0: unknown. */
static struct {
    _Atomic ptrdiff_t number, list;
    _Atomic(enum os_thread_asking) asking;
} os_thread_learnt;

static void *os_thread_at_distance(_Atomic ptrdiff_t *distance) {
    ptrdiff_t bytes = atomic_load_explicit(distance, memory_order_relaxed);
    return bytes == 0 ? NULL : (void *)(os_thread_place() + (uintptr_t)bytes);
}

static void os_thread_learn_distance(_Atomic ptrdiff_t *distance, const void *to) {
    atomic_store_explicit(distance, (ptrdiff_t)((uintptr_t)to - os_thread_place()),
                          memory_order_relaxed);
}

static int os_thread_ask_id(void) { return (int)CALL(SYS_gettid, 0); }

int os_thread_id(void) {
    const _Atomic int *number = os_thread_at_distance(&os_thread_learnt.number);
    return number != NULL ? atomic_load_explicit(number, memory_order_relaxed) : os_thread_ask_id();
}

void os_thread_name(char name[16]) { CALL(SYS_prctl, PR_GET_NAME, name); }

struct robust_list_head *os_thread_list(void) {
    return os_thread_at_distance(&os_thread_learnt.list);
}

/* ---- does a thread exist? ---- */

#define NO_THREAD 0x3ffffffe /* larger than any thread ID */

/* Taking a lock that another thread holds fails, with a different error if the thread does not
 * exist. */
static long os_thread_try_lock_of(int thread) {
    _Atomic int lock = thread;
    return CALL(SYS_futex, &lock, FUTEX_TRYLOCK_PI_PRIVATE);
}

static long os_thread_send_nothing(int thread) {
    return CALL(SYS_tgkill, os_process_id(), thread, 0);
}

static enum os_thread_asking os_thread_learn_asking(int self) {
    if (os_thread_try_lock_of(NO_THREAD) == -ESRCH && os_thread_try_lock_of(self) == -EDEADLK)
        return BY_FUTEX;
    if (os_thread_send_nothing(NO_THREAD) == -ESRCH && os_thread_send_nothing(self) == 0)
        return BY_SIGNAL;
    return NOT_ASKING;
}

bool os_thread_has_ended(int thread) {
    switch (atomic_load_explicit(&os_thread_learnt.asking, memory_order_relaxed)) {
    case BY_FUTEX:
        return os_thread_try_lock_of(thread) == -ESRCH;
    case BY_SIGNAL:
        return os_thread_send_nothing(thread) == -ESRCH;
    default:
        return false;
    }
}

/* ---- where libc keeps its record ---- */

/* Distance from a list entry to the word that the kernel marks, as in libc's mutexes. */
#define WORD_FROM_ENTRY (-4 * (long)sizeof(void *))

static bool os_thread_is_list(const struct robust_list_head *head) {
    return head->futex_offset == WORD_FROM_ENTRY;
}

static const int *os_thread_number_before(const struct robust_list_head *head) {
    return (const int *)((const char *)head - 2 * sizeof(void *));
}

#define THREAD_RECORD_BYTES 2048 /* less than the size of libc's record */

/* Searches for the list if libc has one that the kernel has refused or ignores. An empty list
 * begins with its own address, and the thread's ID is before it. Pages that cannot be read end the
 * search, because another libc's record may be smaller. */
static const struct robust_list_head *os_thread_search_list(int self) {
#if defined(__x86_64__)
    const char *thread;
    __asm__("mov %%fs:0, %0" : "=r"(thread));
    const char *checked = thread;
    for (size_t at = 2 * sizeof(void *); at < THREAD_RECORD_BYTES; at += sizeof(void *)) {
        const struct robust_list_head *head = (const void *)(thread + at);
        if ((const char *)(head + 1) > checked) {
            if (!os_is_readable(head + 1)) break;
            checked = (const char *)(((uintptr_t)(head + 1) | (os_page_size() - 1)) + 1);
        }
        if (head->list.next == &head->list && os_thread_is_list(head) &&
            *os_thread_number_before(head) == self)
            return head;
    }
#endif
    (void)self;
    return NULL;
}

/* musl keeps the thread's ID before errno. */
static const int *os_thread_number_before_errno(void) { return &errno - 1; }

static const struct robust_list_head *os_thread_list_of_kernel(void) {
    struct robust_list_head *head = NULL;
    size_t bytes = 0;
    long r = CALL(SYS_get_robust_list, 0, &head, &bytes);
    return r == 0 && bytes == sizeof *head ? head : NULL;
}

RARE void os_thread_learn(void) {
    if (os_thread_list() != NULL) return;
    int self = os_thread_ask_id();
    const struct robust_list_head *list = os_thread_list_of_kernel();
    if (list != NULL && os_thread_is_list(list))
        os_thread_learn_distance(&os_thread_learnt.list, list);
    else
        list = os_thread_search_list(self);
    const int *number =
        list != NULL ? os_thread_number_before(list) : os_thread_number_before_errno();
    /* libc's number must match: in a child that shares the parent's memory (vfork) it does not. */
    if (*number != self) return;
    os_thread_learn_distance(&os_thread_learnt.number, number);
    enum os_thread_asking asking =
        os_thread_list() == NULL ? os_thread_learn_asking(self) : NOT_ASKING;
    atomic_store_explicit(&os_thread_learnt.asking, asking, memory_order_relaxed);
}
