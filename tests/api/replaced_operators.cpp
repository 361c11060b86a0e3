// A program may replace the plain operator new and delete: all other forms then go through them.
#include "check.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t header = 16;
int allocated, released;

} // namespace

// Blocks begin with a header: handed to any other allocator they are no blocks at all.
void *operator new(std::size_t size) {
    allocated++;
    char *block = static_cast<char *>(std::malloc(header + size));
    if (block == nullptr) throw std::bad_alloc();
    return block + header;
}

void operator delete(void *block) noexcept {
    released++;
    if (block != nullptr) std::free(static_cast<char *>(block) - header);
}

int main() {
    const std::size_t size = 100;
    ::operator delete(::operator new(size), size);
    ::operator delete(::operator new(size), std::nothrow);
    ::operator delete(::operator new(size, std::nothrow));
    ::operator delete[](::operator new[](size));
    ::operator delete[](::operator new[](size), size);
    ::operator delete[](::operator new[](size, std::nothrow));
    ::operator delete[](::operator new[](size), std::nothrow);
    CHECK_EQUAL(allocated, 7);
    CHECK_EQUAL(released, 7);
}
