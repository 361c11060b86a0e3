/* Output that all subcommands share. */
#include <err.h>
#include <stdio.h>

#include "common/command.h"

int print_text(const char *text) {
    if (fputs(text, stdout) == EOF || fflush(stdout) == EOF)
        err(EXIT_OWN_FAILURE, "standard output");
    return 0;
}

int print_version(void) { return print_text("mallow " MALLOW_VERSION "\n"); }
