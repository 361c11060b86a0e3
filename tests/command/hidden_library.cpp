// A library with operators of its own that nothing else uses, as one that was linked with
// -static-libstdc++: what the program allocates by new it frees by free.
#include <cstdlib>
#include <new>

void operator delete(void *block) noexcept { free(block); }
void operator delete(void *block, std::size_t) noexcept { free(block); }

extern "C" void drop_number(int *number) { delete number; }
