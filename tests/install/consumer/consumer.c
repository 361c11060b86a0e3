/* Succeeds if malloc, called by the program and by libc, is Mallow's. */
#include <mallow.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *ours = malloc(100);
    char *libcs = strdup("a block that libc allocates");
    if (ours == NULL || libcs == NULL) return 1;
    /* Mallow ends the process if it is asked for the size of another allocator's block. */
    if (mallow_usable_size(ours) < 100 || mallow_usable_size(libcs) <= strlen(libcs)) return 1;
    mallow_free(ours);
    mallow_free(libcs);
    return 0;
}
