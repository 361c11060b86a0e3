// A library frees what the program has allocated: with an operator delete that only it can see.
#include <cstdio>

extern "C" void drop_number(int *number);

int main() {
    drop_number(new int(5));
    std::puts("done");
}
