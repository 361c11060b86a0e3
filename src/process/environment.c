#include "process/environment.h"

#include <string.h>
#include <unistd.h>

#include "config.h"

static bool is_setting(const char *variable) {
    static const char *const beginnings[] = {"MALLOW_OPTIONS=", "MALLOC_", "GLIBC_TUNABLES="};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0) return true;
    return false;
}

/* Not by unsetenv, which takes a lock of libc's and may be another library's. */
RARE void environment_forget_settings(void) {
    char **kept = environ;
    if (kept == NULL) return;
    for (char **variable = environ; *variable != NULL; variable++)
        if (!is_setting(*variable)) *kept++ = *variable;
    *kept = NULL;
}
