/* C++ frames for 'mallow symbolize': members, templates and inlined functions. */
#include "frames.h"

__attribute__((noinline)) static void leaf() { PRINT_FRAME(); }

namespace shop {
template <typename T> struct Basket {
    __attribute__((noinline)) int add(T value, const char *) {
        leaf(); // the line of add
        __asm__ volatile("");
        return static_cast<int>(value);
    }
};

static inline __attribute__((always_inline)) void inner() {
    leaf(); // the line of inner
    __asm__ volatile("");
}

__attribute__((noinline)) static void outer() {
    inner(); // the line of outer
}
} // namespace shop

int main() {
    shop::outer();
    return shop::Basket<long>().add(0, "apple");
}
