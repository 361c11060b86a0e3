/* cause: heap overflow | modes: full hard guard */
#include "corpus.h"

#include <vector>

int main() {
    std::vector<int> v(12);
    int *data = HIDDEN(v.data());
    data[EITHER(12, 11)] = 1; /* BUG:guard */
    return 0;
}
