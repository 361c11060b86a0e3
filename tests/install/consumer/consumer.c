/* Succeeds if the program and libc both use Mallow's malloc, and the other library works too. */
#include <mallow.h>
#include <mallow/arena.h>
#include <stdlib.h>
#include <string.h>

/* The libraries have functions with these names, which must not collide with the program's. */
int slab_create(void) { return 4711; }
int arena_create(void) { return 4712; }

int main(void) {
    char *ours = malloc(100);
    char *libcs = strdup("a block that libc allocates");
    if (ours == NULL || libcs == NULL) return 1;
    /* For a block of another allocator, mallow_usable_size would end the process. */
    if (mallow_usable_size(ours) < 100 || mallow_usable_size(libcs) <= strlen(libcs)) return 1;
    struct mallow_arena *arena = mallow_arena_create(NULL);
    if (mallow_arena_alloc(arena, 100) == NULL) return 1;
    mallow_arena_destroy(arena);
    if (slab_create() != 4711 || arena_create() != 4712) return 1;
    mallow_free(ours);
    mallow_free(libcs);
    return 0;
}
