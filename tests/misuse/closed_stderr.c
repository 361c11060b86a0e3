/* expect: SIGABRT */
/* Frees a block twice with standard error closed: no message can be written, but the program is
 * still aborted. */
#include "twin.h"

#include <unistd.h>

int main(void) {
    void *volatile p = malloc(32);
    free(p);
    close(STDERR_FILENO);
    MISUSE(free(p));
    return 0;
}
