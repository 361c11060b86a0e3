/* cause: use after free | modes: full guard */
#include "corpus.h"

#include <string>

static std::string greeting() { return "a string that is too long to be inside of its object"; }

/* Keeps a pointer to the characters of a temporary string. */
int main() {
    std::string kept = greeting();
    const char *p = HIDDEN(EITHER(greeting().c_str(), kept.c_str())); /* FREED */
    return strlen(p) == 0;                                            /* BUG */
}
