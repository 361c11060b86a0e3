/* exit(), err() and errx() of the code under test end the current input, not the process. */
#include <stdarg.h>
#include <stdlib.h>

#include "driver.h"

_Noreturn void __wrap_err(int status, const char *format, ...);
_Noreturn void __wrap_errx(int status, const char *format, ...);
_Noreturn void __wrap_exit(int status);

_Noreturn void __wrap_err(int status, const char *format, ...) {
    (void)status, (void)format;
    end_input();
}
_Noreturn void __wrap_errx(int status, const char *format, ...) {
    (void)status, (void)format;
    end_input();
}
_Noreturn void __wrap_exit(int status) {
    (void)status;
    end_input();
}
