/*
 * The functions that exist for memory of both bytes and wchar_t. A file that includes this defines
 *     ELEMENT               the type of an element of the memory: void or wchar_t
 *     VALUE                 the type in which an element is passed
 *     MEM(x)                the name of a function: memx or wmemx
 *     MEM_BYTES(n)          the bytes of n elements
 */

#define MEM_CHK(x) CHK(MEM(x))

static void check_move(struct site site, const ELEMENT *to, const ELEMENT *from, size_t n) {
    check_write(site, to, MEM_BYTES(n));
    check_read(site, from, MEM_BYTES(n));
}

static void check_copy(struct site site, const ELEMENT *to, const ELEMENT *from, size_t n) {
    check_move(site, to, from, n);
    check_overlap(site, to, from, MEM_BYTES(n));
}

static void check_compare(struct site site, const ELEMENT *a, const ELEMENT *b, size_t n) {
    check_read(site, a, MEM_BYTES(n));
    check_read(site, b, MEM_BYTES(n));
}

CHECKED(ELEMENT *, MEM(cpy), (ELEMENT * to, const ELEMENT *from, size_t n), (to, from, n),
        check_copy(HERE, to, from, n))

CHECKED(ELEMENT *, MEM_CHK(cpy), (ELEMENT * to, const ELEMENT *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_copy(HERE, to, from, n))

CHECKED(ELEMENT *, MEM(pcpy), (ELEMENT * to, const ELEMENT *from, size_t n), (to, from, n),
        check_copy(HERE, to, from, n))

CHECKED(ELEMENT *, MEM_CHK(pcpy), (ELEMENT * to, const ELEMENT *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_copy(HERE, to, from, n))

CHECKED(ELEMENT *, MEM(move), (ELEMENT * to, const ELEMENT *from, size_t n), (to, from, n),
        check_move(HERE, to, from, n))

CHECKED(ELEMENT *, MEM_CHK(move), (ELEMENT * to, const ELEMENT *from, size_t n, size_t objsize),
        (to, from, n, objsize), check_move(HERE, to, from, n))

CHECKED(ELEMENT *, MEM(set), (ELEMENT * to, VALUE value, size_t n), (to, value, n),
        check_write(HERE, to, MEM_BYTES(n)))

CHECKED(ELEMENT *, MEM_CHK(set), (ELEMENT * to, VALUE value, size_t n, size_t objsize),
        (to, value, n, objsize), check_write(HERE, to, MEM_BYTES(n)))

CHECKED(int, MEM(cmp), (const ELEMENT *a, const ELEMENT *b, size_t n), (a, b, n),
        check_compare(HERE, a, b, n))
