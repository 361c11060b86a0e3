// A program may replace the plain operator new and delete. All other forms then call the program's.
#include "check.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t header = 16;
int allocated, released, aligned_allocated, aligned_released;

} // namespace

// Blocks have a header, so that they are invalid for any other allocator.
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

void *operator new(std::size_t size, std::align_val_t align) {
    aligned_allocated++;
    auto room = static_cast<std::size_t>(align);
    return static_cast<char *>(std::aligned_alloc(room, room + size)) + room;
}

void operator delete(void *block, std::align_val_t align) noexcept {
    aligned_released++;
    if (block != nullptr) std::free(static_cast<char *>(block) - static_cast<std::size_t>(align));
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

    const auto align = std::align_val_t(64);
    ::operator delete(::operator new(size, align), size, align);
    ::operator delete(::operator new(size, align), align, std::nothrow);
    ::operator delete(::operator new(size, align, std::nothrow), align);
    ::operator delete[](::operator new[](size, align), align);
    ::operator delete[](::operator new[](size, align), size, align);
    ::operator delete[](::operator new[](size, align, std::nothrow), align);
    ::operator delete[](::operator new[](size, align), align, std::nothrow);
    CHECK_EQUAL(aligned_allocated, 7);
    CHECK_EQUAL(aligned_released, 7);
    CHECK_EQUAL(allocated, 7);
    CHECK_EQUAL(released, 7);
}
