#include "common/survive.h"

#ifdef MALLOW_SHOW_CRASHES

/* Under a sanitizer, each crash must be reported. */
bool survive(void (*call)(void *context), void *context) {
    call(context);
    return true;
}

#else

#    include <setjmp.h>
#    include <signal.h>

#    include "xalloc.h"

#    define STACK_BYTES 65536 /* for the handler, because the stack may have overflowed */

static sigjmp_buf survive_jump;
static volatile sig_atomic_t survive_is_calling;

/* A crash outside of survive() is the command's own and ends it. */
static void survive_handle(int number) {
    if (survive_is_calling) siglongjmp(survive_jump, 1);
    signal(number, SIG_DFL);
    raise(number);
}

static void survive_install_handlers(void) {
    static const int numbers[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT};
    static bool are_installed;
    struct sigaction action = {.sa_handler = survive_handle, .sa_flags = SA_ONSTACK};
    if (are_installed) return;
    are_installed = true;
    stack_t stack = {.ss_size = STACK_BYTES, .ss_sp = xcalloc(1, STACK_BYTES)};
    sigaltstack(&stack, NULL);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        sigaction(numbers[i], &action, NULL);
}

bool survive(void (*call)(void *context), void *context) {
    survive_install_handlers();
    bool crashed = sigsetjmp(survive_jump, 1) != 0;
    survive_is_calling = !crashed;
    if (!crashed) call(context);
    survive_is_calling = false;
    return !crashed;
}

#endif
