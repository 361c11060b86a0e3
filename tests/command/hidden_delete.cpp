// A library frees a block of the program by its own operator delete, which the program does not
// see.
#include <cstdio>

extern "C" void drop_number(int *number);

int main() {
    drop_number(new int(5));
    std::puts("done");
}
