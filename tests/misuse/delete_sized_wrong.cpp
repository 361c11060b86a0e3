/* expect: mallow: size mismatch of 0x.*, room is .*, freed with 16 */
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

/* Without a virtual destructor. */
int main() {
    delete[] new long[3];
    delete new wide;
    base *volatile p = EITHER(new derived, new base);
    delete p;
}
