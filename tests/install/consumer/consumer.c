/* Succeeds if the program and libc both use Mallow's malloc. */
#include <mallow.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    char *ours = malloc(100);
    char *libcs = strdup("a block that libc allocates");
    if (ours == NULL || libcs == NULL) return 1;
    /* For a block of another allocator, mallow_usable_size would end the process. */
    if (mallow_usable_size(ours) < 100 || mallow_usable_size(libcs) <= strlen(libcs)) return 1;
    mallow_free(ours);
    mallow_free(libcs);
    return 0;
}
