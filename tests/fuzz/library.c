/* Fuzz targets for everything that the library reads: options of the environment, suppressions. */
#include "base/settings.h"
#include "process/options.h"

#include <stdlib.h>
#include <string.h>

#include "driver.h"
#include "leak/leak_suppress.h"

static void read_with(const char *variable, const char *input) {
    setenv(variable, input, 1);
    options_read();
    unsetenv(variable);
}

static void run_options(const char *input, size_t size) {
    (void)size;
    read_with("MALLOW_OPTIONS", input);
}

static void run_tunables(const char *input, size_t size) {
    (void)size;
    read_with("GLIBC_TUNABLES", input);
    read_with("MALLOC_TOP_PAD_", input);
    read_with("MALLOC_CHECK_", input);
}

static void run_suppressions(const char *input, size_t size) {
    leak_read_suppressions(input_file(input, size));
}

static const char *const option_words[] = {"check=",
                                           "full",
                                           "hard",
                                           "off",
                                           "free",
                                           "guard=",
                                           "quarantine=",
                                           "frames=",
                                           "stats=",
                                           "exit",
                                           "leak=",
                                           "retain",
                                           "on_error=",
                                           "abort",
                                           "report",
                                           "control=",
                                           "backend=",
                                           "brk",
                                           "=",
                                           ",",
                                           "randomize=on",
                                           "log=x",
                                           "log=/",
                                           "8m",
                                           "18446744073709551615g",
                                           "-1",
                                           "0x10",
                                           " ",
                                           "leak_suppressions=",
                                           "symbolizer=/x",
                                           "\033[2J",
                                           "%p",
                                           NULL};
static const char *const tunable_words[] = {"glibc.malloc.",
                                            "check=",
                                            "top_pad=",
                                            "perturb=",
                                            "mmap_threshold=",
                                            "trim_threshold=",
                                            "mmap_max=",
                                            "arena_max=",
                                            "tcache_max=",
                                            "tcache_count=",
                                            "mxfast=",
                                            "hugetlb=",
                                            ":",
                                            "=",
                                            "1",
                                            "18446744073709551615",
                                            "0x10",
                                            "010",
                                            "-1",
                                            NULL};
static const char *const suppression_words[] = {"leak:", "^",  "$",  "*", "lib",
                                                "#",     "\n", "\r", " ", NULL};

const struct target targets[] = {
    {"options", run_options, option_words},
    {"tunables", run_tunables, tunable_words},
    {"suppressions", run_suppressions, suppression_words},
    {NULL, NULL, NULL},
};
