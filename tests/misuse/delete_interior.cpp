/* expect: mallow: invalid free of 0x[0-9a-f]+ \(.*inside.*\) */
/* Deletes an address inside an array. */
#include "twin.h"

int main() {
    int *volatile array = new int[100];
    int *volatile p = EITHER(array + 4, array);
    delete[] p;
}
