/*
 * Faults: one handler of SIGSEGV and SIGBUS for all parts of this library.
 *
 *     fault -> ours: each part is asked whether the fault is its own -> the program's handler
 *
 * A fault that no part claims does what it would do without this library.
 */
#ifndef MALLOW_FAULT_INSIDE_H
#define MALLOW_FAULT_INSIDE_H

#include <setjmp.h>
#include <signal.h>
#include <stdbool.h>

/*
 * A part's answer to a fault at info->si_addr. It is called in the handler, on the alternate signal
 * stack if there is one, and must be async-signal-safe. It is not called for signals that were sent
 * with kill(2).
 *   - It returns false if the fault belongs to the program. A part may report the fault first.
 *   - It returns true if the access can be repeated.
 *   - It calls fault_leave if the thread continues elsewhere.
 * If the program's handlers call each other, a part may be asked about one fault more than once.
 */
typedef bool (*fault_part)(const siginfo_t *info, void *context);

/* Adds a part, and installs the handlers when the first part is added. Later calls for the same
 * part cost a few loads. Returns false and sets errno if the kernel refuses a handler. Thread-safe
 * and async-signal-safe; also works in the child of a fork. */
bool fault_watch(fault_part part);

/* Installs the handlers again if the program has installed other handlers since then. Those are
 * then called for faults that no part claims, and may themselves call the handlers that they
 * replaced. Returns false and sets errno on failure: ENOSPC if the program has replaced our
 * handlers by more than seven different ones. If the handlers are still installed, this takes two
 * system calls. Thread-safe and async-signal-safe. */
bool fault_watch_again(void);

/* Ends the handler: restores the signal mask that the thread had at the fault, and continues at
 * `place`, which sigsetjmp(place, 0) has set. */
_Noreturn void fault_leave(sigjmp_buf place, const void *context);

#endif
