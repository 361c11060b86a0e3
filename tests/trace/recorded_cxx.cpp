/* C++ operators to record: each size occurs once. */
#include <cstddef>
#include <new>

struct alignas(64) aligned {
    char bytes[640];
};

static void *volatile kept; /* the compiler may leave out allocations that nobody sees */

template <typename type>
static type *keep(type *p) {
    kept = p;
    return static_cast<type *>(kept);
}

int main() {
    try {
        kept = ::operator new(static_cast<std::size_t>(-1) / 4);
    } catch (const std::bad_alloc &) {
        kept = nullptr;
    }
    delete keep(new char);
    delete[] keep(new char[1001]);
    delete keep(new (std::nothrow) short);
    delete keep(new aligned);
    delete[] keep(new aligned[2]);
}
