#include "process/environment.h"

#include <string.h>
#include <unistd.h>

#include "base/compiler.h"
#include "os/os_auxv.h"

static bool environment_is_setting(const char *variable) {
    static const char *const beginnings[] = {"MALLOW_OPTIONS=", "MALLOC_", "GLIBC_TUNABLES="};
    for (size_t i = 0; i < sizeof beginnings / sizeof *beginnings; i++)
        if (strncmp(variable, beginnings[i], strlen(beginnings[i])) == 0) return true;
    return false;
}

/* Does not call unsetenv, which takes a lock of libc and may belong to another library. */
RARE void environment_forget_settings(void) {
    char **kept = environ;
    if (kept == NULL) return;
    for (char **variable = environ; *variable != NULL; variable++)
        if (!environment_is_setting(*variable)) *kept++ = *variable;
    *kept = NULL;
}

const char *environment_of(const char *name) {
    size_t length = strlen(name);
    if (os_auxv(AT_SECURE) != 0) return NULL;
    for (char **variable = environ; variable != NULL && *variable != NULL; variable++)
        if (strncmp(*variable, name, length) == 0 && (*variable)[length] == '=')
            return *variable + length + 1;
    return NULL;
}
