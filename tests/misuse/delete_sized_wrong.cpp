/* expect: mallow: size mismatch of 0x.*, room is .*, freed with 16 */
/* Deletes an object through a pointer to its base class, which has no virtual destructor: the
 * compiler passes the size of the base class. */
#include "twin.h"

#include <new>

struct base {
    long of_base[2];
};
struct derived : base {
    long of_derived[20];
};
struct alignas(64) wide {
    char one;
};

int main() {
    delete[] new long[3];
    delete new wide;
    base *volatile p = EITHER(new derived, new base);
    delete p;
}
