/* cause: double free | modes: default full hard guard */
#include "corpus.h"

struct buffer {
    char *data;
    buffer() : data(HIDDEN(new char[100])) {}
    buffer(const buffer &other) : data(other.data) { /* copies the pointer */
        if (FAULTY) return;
        data = new char[100];
        memcpy(data, other.data, 100);
    }
    ~buffer() { delete[] data; } /* BUG */ /* FREED */
};

int main() {
    buffer first;
    memset(first.data, 0, 100);
    buffer second(first);
    return second.data[0];
}
