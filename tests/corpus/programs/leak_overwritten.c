/* cause: definitely lost | modes: leak */
#include "corpus.h"

static char *name;

__attribute__((noinline)) static void set_name(const char *new_name) {
    if (!FAULTY) free(name);
    name = strdup(new_name); /* ALLOCATED */
}

/* The second name overwrites the only pointer to the first. */
int main(void) {
    set_name("Ada");
    set_name("Grace");
    forget();
    return 0;
}
