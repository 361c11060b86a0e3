/* expect: mallow: double free of 0x */
/* Deletes an array twice. */
#include "twin.h"

int main() {
    int *volatile p = new int[100];
    delete[] p;
    MISUSE(delete[] p);
}
