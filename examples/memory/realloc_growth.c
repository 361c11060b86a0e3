/* Appends a million numbers to an array that realloc enlarges, by a constant amount and by
 * doubling. Doubling calls realloc 11 times instead of 1,000 times, and the bytes that a malloc
 * would have to copy grow with the size of the array instead of with its square.
 *
 *     $ realloc_growth
 *     by 1000 elements: 1000 calls, <number> moves, up to 1998000 KB copied
 *     by doubling: 11 calls, <number> moves, up to 4092 KB copied
 *     an overflow is refused: Cannot allocate memory
 */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST = 1000, NUMBERS = 1000000 };

struct array {
    int *numbers;
    size_t used, room;
    size_t calls, moves, copied;
};

/* Enlarges the array. If it fails, the array keeps its numbers: the result of realloc replaces the
 * old pointer only after a success. reallocarray fails if the product overflows. */
static int grow(struct array *array, size_t room) {
    uintptr_t old = (uintptr_t)array->numbers;
    int *numbers = reallocarray(array->numbers, room, sizeof *numbers);
    if (numbers == NULL) return -1;
    array->calls++;
    array->moves += old != 0 && (uintptr_t)numbers != old;
    array->copied += array->room * sizeof *numbers;
    array->numbers = numbers;
    array->room = room;
    return 0;
}

static void fill(const char *title, int doubles) {
    struct array array = {0};
    for (int i = 0; i < NUMBERS; i++) {
        if (array.used == array.room &&
            grow(&array, doubles && array.room != 0 ? 2 * array.room : array.room + FIRST) != 0)
            break;
        array.numbers[array.used++] = i;
    }
    printf("%s: %zu calls, %zu moves, up to %zu KB copied\n", title, array.calls, array.moves,
           array.copied / 1000);
    free(array.numbers);
}

int main(void) {
    fill("by 1000 elements", 0);
    fill("by doubling", 1);
    struct array array = {0};
    /* Multiplied by the size of a number, this overflows to 4. It is volatile because gcc warns
     * about a constant that overflows. */
    volatile size_t too_many = SIZE_MAX / sizeof(int) + 2;
    if (grow(&array, too_many) != 0) printf("an overflow is refused: %s\n", strerror(errno));
}
