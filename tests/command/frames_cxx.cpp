/* Frames to symbolize: members, templates and operators. */
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
} // namespace shop

int main() { return shop::Basket<long>().add(0, "apple"); }
