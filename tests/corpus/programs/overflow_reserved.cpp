/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

#include <string>

/* Writes past the NUL of a string's data. */
int main() {
    std::string s(99, 's');
    char *data = HIDDEN(&s[0]);
    data[EITHER(100, 98)] = 's';
    return 0;
}
