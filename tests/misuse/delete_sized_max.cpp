/* expect: mallow: size mismatch of 0x.*, (room|size) is .*, freed with 18446744073709551615 */
/* Deletes a block with the size SIZE_MAX, which has no special meaning. */
#include "twin.h"

#include <new>

int main() {
    const std::size_t size = 64;
    ::operator delete(::operator new(size), size);
    void *volatile p = ::operator new(size);
    ::operator delete(p, EITHER(static_cast<std::size_t>(-1), size));
}
