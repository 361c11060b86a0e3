#include "base/assert.h"

#ifdef MALLOW_ASSERTIONS

#    include <stdlib.h>
#    include <string.h>
#    include <sys/syscall.h>
#    include <unistd.h>

#    include "base/text.h"

/* Returns the path from the file's folder on. The rest of the path depends on the machine. */
static const char *below_source(const char *file) {
    const char *start = file;
    unsigned slashes = 0;
    for (const char *at = file + strlen(file); at > file && slashes < 2; at--)
        if (at[-1] == '/' && ++slashes == 2) start = at;
    return start;
}

void assert_failed(const char *expression, const char *file, unsigned line, const char *function) {
    char buffer[512];
    struct text text = {.buffer = buffer, .size = sizeof buffer - 1};
    text_add(&text, "mallow: assertion failed: ");
    text_add(&text, expression);
    text_add(&text, " (");
    text_add(&text, below_source(file));
    text_add(&text, ":");
    text_add_number(&text, line);
    text_add(&text, ", ");
    text_add(&text, function);
    text_add(&text, ")");
    buffer[text.length++] = '\n';
    /* write() is a cancellation point, and another library may replace it. */
    syscall(SYS_write, STDERR_FILENO, buffer, text.length);
    abort();
}

#endif
