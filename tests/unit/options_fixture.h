/* Reads the settings as a starting process does, and restores them. */
#ifndef OPTIONS_FIXTURE_H
#define OPTIONS_FIXTURE_H

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/settings.h"
#include "pages/space.h"
#include "process/option_table.h"
#include "process/options.h"

static struct settings defaults;
static size_t default_top_pad;

static int remember_defaults(void **state) {
    (void)state;
    defaults = settings;
    default_top_pad = space.top_pad;
    return 0;
}

static int restore_defaults(void **state) {
    (void)state;
    unsetenv("MALLOW_OPTIONS");
    unsetenv("GLIBC_TUNABLES");
    for (const struct option *option = option_table; *option->key != '\0'; option++)
        if (*option->variable != '\0') unsetenv(option->variable);
    settings = defaults;
    space.top_pad = default_top_pad;
    return 0;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, NULL, restore_defaults)

/* Sets the variable and reads the settings. Returns the text that went to standard error. */
static const char *read_with(const char *variable, const char *value) {
    static char written[1024];
    int real = dup(STDERR_FILENO), file = memfd_create("standard error", 0);
    assert_true(real >= 0 && file >= 0);
    dup2(file, STDERR_FILENO);
    setenv(variable, value, 1);
    options_read();
    dup2(real, STDERR_FILENO);
    ssize_t length = pread(file, written, sizeof(written) - 1, 0);
    assert_true(length >= 0);
    written[length] = '\0';
    close(real);
    close(file);
    return written;
}

#endif
