// A program may replace the array forms of operator new and delete. The forms with a size or
// std::nothrow then call the program's, with and without an alignment.
#include "check.h"

#include <cstdlib>
#include <new>

namespace {

constexpr std::size_t header = 16;
int allocated, released, aligned_allocated, aligned_released;

struct plain {
    long value = 0;
    ~plain() { value = 1; }
};

struct alignas(64) wide {
    long value = 0;
    ~wide() { value = 1; }
};

constexpr auto alignment = std::align_val_t(64);

// Compares the counts and resets them.
void check_counts(int plain_calls, int aligned_calls) {
    CHECK_EQUAL(allocated, plain_calls);
    CHECK_EQUAL(released, plain_calls);
    CHECK_EQUAL(aligned_allocated, aligned_calls);
    CHECK_EQUAL(aligned_released, aligned_calls);
    allocated = released = aligned_allocated = aligned_released = 0;
}

} // namespace

// Blocks have a header, so that they are invalid for any other allocator.
void *operator new[](std::size_t size) {
    allocated++;
    if (size > std::size_t{1} << 60) throw std::bad_alloc();
    return static_cast<char *>(std::malloc(header + size)) + header;
}

void operator delete[](void *block) noexcept {
    released++;
    if (block != nullptr) std::free(static_cast<char *>(block) - header);
}

void *operator new[](std::size_t size, std::align_val_t align) {
    aligned_allocated++;
    if (size > std::size_t{1} << 60) throw std::bad_alloc();
    auto room = static_cast<std::size_t>(align);
    return static_cast<char *>(std::aligned_alloc(room, room + size)) + room;
}

void operator delete[](void *block, std::align_val_t align) noexcept {
    aligned_released++;
    if (block != nullptr) std::free(static_cast<char *>(block) - static_cast<std::size_t>(align));
}

int main(int argc, char **) {
    const auto count = static_cast<std::size_t>(argc + 2);
    delete[] new plain[count]; // with a size
    delete[] new wide[count];
    check_counts(1, 1);
    ::operator delete[](::operator new[](100), 100);
    ::operator delete[](::operator new[](100), std::nothrow);
    ::operator delete[](::operator new[](100, std::nothrow));
    check_counts(3, 0);
    ::operator delete[](::operator new[](100, alignment), 100, alignment);
    ::operator delete[](::operator new[](100, alignment), alignment, std::nothrow);
    ::operator delete[](::operator new[](100, alignment, std::nothrow), alignment);
    check_counts(0, 3);
    // The forms with std::nothrow catch the exceptions of the program's operators.
    const std::size_t too_large = std::size_t{1} << 61;
    CHECK(::operator new[](too_large, std::nothrow) == nullptr);
    CHECK(::operator new[](too_large, alignment, std::nothrow) == nullptr);
    CHECK_EQUAL(allocated, 1);
    CHECK_EQUAL(aligned_allocated, 1);
    allocated = aligned_allocated = 0;
    // The forms for one object still belong to the library.
    ::operator delete(::operator new(100), 100);
    ::operator delete(::operator new(100, alignment), 100, alignment);
    check_counts(0, 0);
}
