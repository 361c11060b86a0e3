/* cause: use after free | modes: full=visible hard=visible guard */
#include "corpus.h"

#include <vector>

/* Uses a reference into a vector that has grown. */
int main() {
    std::vector<int> v(16, 12345);
    volatile int &first = *HIDDEN(&v[0]);
    if (FAULTY) v.resize(10000);
    int value = first; /* BUG:guard */
    if (!FAULTY) return 0;
    return value == 12345 ? SAW_OLD_DATA : SAW_NOTHING;
}
