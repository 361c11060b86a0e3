/* cause: heap underflow | modes: full */
#include "corpus.h"

#include <vector>

/* A loop writes v[-1]. */
int main() {
    std::vector<int> v(12);
    int *data = HIDDEN(v.data());
    for (int i = 11; i >= EITHER(-1, 0); i--) data[i] = i;
    return 0;
}
