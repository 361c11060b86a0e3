/* expect: mallow: double free of 0x */
/* Deletes a block twice with the sized operator delete. */
#include "twin.h"

#include <new>

int main() {
    void *volatile p = ::operator new(32);
    ::operator delete(p, static_cast<std::size_t>(32));
    MISUSE(::operator delete(p, static_cast<std::size_t>(32)));
}
