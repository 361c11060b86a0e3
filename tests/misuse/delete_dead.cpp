/* expect: mallow: double free of 0x */
#include "misuse.h"

int main() {
    int *volatile p = new int(1);
    delete p;
    BUG(delete p);
}
