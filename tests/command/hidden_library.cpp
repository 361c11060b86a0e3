// A library with its own operator delete, as if it had been linked with -static-libstdc++. The
// program allocates by new, and this library frees by free.
#include <cstdlib>
#include <new>

void operator delete(void *block) noexcept { free(block); }
void operator delete(void *block, std::size_t) noexcept { free(block); }

extern "C" void drop_number(int *number) { delete number; }
