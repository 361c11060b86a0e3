/* expect: mallow: double free of 0x */
/* Deletes a block twice with the aligned operator delete. */
#include "twin.h"

#include <new>

int main() {
    constexpr std::align_val_t line{64};
    void *volatile p = ::operator new(32, line);
    ::operator delete(p, line);
    MISUSE(::operator delete(p, line));
}
