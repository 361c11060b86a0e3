/* expect: SIGABRT */
#include "twin.h"

#include <unistd.h>

/* No message can be written, but the program dies all the same. */
int main(void) {
    void *volatile p = malloc(32);
    free(p);
    close(STDERR_FILENO);
    MISUSE(free(p));
    return 0;
}
