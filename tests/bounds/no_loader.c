/* libmallow-check.so does not look up libc's functions through the loader: this library, which is
 * preloaded before it, ends the program if it does. Such a look-up may allocate, and wait for the
 * loader's lock while the caller holds other locks. */
#include <unistd.h>

void *dlsym(void *restrict handle, const char *restrict name);
void *dlsym(void *restrict handle, const char *restrict name) {
    static const char text[] = "libc's functions are looked up by dlsym\n";
    (void)handle, (void)name;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(4);
    _exit(3);
}
