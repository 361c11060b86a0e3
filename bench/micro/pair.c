/* pair COUNT: calls malloc(32) and free COUNT times, with nothing else in the loop. */
#include <stdlib.h>

int main(int argc, char **argv) {
    if (argc != 2) return 2;
    for (unsigned long left = strtoul(argv[1], NULL, 10); left > 0; left--) {
        void *block = malloc(32);
        __asm__ volatile("" : : "r"(block) : "memory");
        free(block);
    }
    return 0;
}
