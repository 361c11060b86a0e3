/*
 * Assertions: facts that the code relies on, checked while the tests run.
 *
 * Without MALLOW_ASSERTIONS an assertion becomes no code. The compiler still checks the expression
 * and counts its variables as used. An expression has no side effects. It reads only data that no
 * other thread changes at that moment, or that may be read at any time.
 */
#ifndef MALLOW_ASSERT_H
#define MALLOW_ASSERT_H

#include "base/compiler.h"

#ifdef MALLOW_ASSERTIONS
#    define MALLOW_ASSERT(expression) \
        (likely(expression) ? (void)0 : assert_failed(#expression, __FILE__, __LINE__, __func__))
#else
#    define MALLOW_ASSERT(expression) ((void)sizeof((expression) ? 1 : 0))
#endif

/* Marks a function that only assertions call. */
#define ONLY_ASSERTED __attribute__((unused))

/* Writes one line to standard error and aborts. Works wherever an assertion may fail: it takes no
 * lock, allocates nothing and reads nothing of the heap. */
RARE _Noreturn void assert_failed(const char *expression, const char *file, unsigned line,
                                  const char *function);

#endif
