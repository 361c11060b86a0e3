/* expect: mallow: double free of 0x */
/* Deletes an object twice. */
#include "twin.h"

int main() {
    int *volatile p = new int(1);
    delete p;
    MISUSE(delete p);
}
