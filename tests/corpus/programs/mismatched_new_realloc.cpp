/* cause: mismatched free | modes: full guard */
#include "corpus.h"

int main() {
    char *p = HIDDEN(EITHER(new char[32], static_cast<char *>(malloc(32))));
    p = static_cast<char *>(realloc(p, 64)); /* BUG */
    free(p);
    return 0;
}
