/* Changes a seed at random: flips bits, sets numbers, and copies, cuts, repeats and inserts pieces.
 */
#include "mutate.h"
#include "fail.h"

#include <stdlib.h>

/* ---- random numbers ---- */

static uint64_t state;

static uint64_t next_number(void) {
    state += 0x9e3779b97f4a7c15u;
    uint64_t z = state;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

void start_numbers(uint64_t start) { state = start; }

uint64_t choose(uint64_t limit) { return limit == 0 ? 0 : next_number() % limit; }

/* ---- mutations ---- */

static void cut(struct input *input, size_t at, size_t length) {
    memmove(input->bytes + at, input->bytes + at + length, input->size - at - length);
    input->size -= length;
}

static void insert(struct input *input, size_t at, const char *bytes, size_t length) {
    if (length > INPUT_MAX - input->size) return;
    memmove(input->bytes + at + length, input->bytes + at, input->size - at);
    memcpy(input->bytes + at, bytes, length);
    input->size += length;
}

/* Most pieces are short. */
static size_t some_length(size_t most) {
    size_t length = choose(4) == 0 ? choose(most + 1) : choose(64) + 1;
    return length < most ? length : most;
}

static void set_number(struct input *input, size_t at) {
    static const uint64_t numbers[] = {0,
                                       1,
                                       0x7f,
                                       0x80,
                                       0xff,
                                       0x7fff,
                                       0x8000,
                                       0xffff,
                                       0x7fffffff,
                                       0x80000000,
                                       0xffffffff,
                                       INT64_MAX,
                                       1ull << 63,
                                       UINT64_MAX,
                                       0x10000,
                                       0xfffffff0,
                                       UINT64_MAX - 15,
                                       0x1000,
                                       0x100000000};
    uint64_t number = numbers[choose(sizeof numbers / sizeof numbers[0])] + choose(3) - 1;
    size_t length = (size_t)1 << choose(4);
    if (length > input->size - at) length = input->size - at;
    memcpy(input->bytes + at, &number, length);
}

static void copy_piece(struct input *input, size_t at, const struct seed *from) {
    size_t begin = choose(from->size + 1), length = some_length(from->size - begin);
    if (choose(2) == 0) {
        insert(input, at, from->bytes + begin, length);
    } else {
        size_t room = input->size - at;
        memcpy(input->bytes + at, from->bytes + begin, length < room ? length : room);
    }
}

static void insert_word(struct input *input, size_t at, const char *const *words) {
    size_t count = 0;
    while (words[count] != NULL) count++;
    const char *word = words[choose(count)];
    insert(input, at, word, strlen(word));
}

static void repeat_piece(struct input *input, size_t at) {
    size_t length = some_length(input->size - at),
           times = choose(8) == 0 ? choose(2000) : choose(8);
    char *piece = or_fail(malloc(length + 1));
    memcpy(piece, input->bytes + at, length);
    for (; times > 0 && length > 0; times--) insert(input, at, piece, length);
    free(piece);
}

static void mutate_once(struct input *input, const struct seed *seed, size_t at) {
    bool in = at < input->size;
    /* Most moves in a binary file make the rest unreadable, so they are rare. */
    bool moves = seed->target->words != NULL || choose(10) == 0;
    switch (choose(seed->target->words != NULL ? 9 : moves ? 7 : 4)) {
    case 0:
    case 1:
        if (in) input->bytes[at] = (char)(input->bytes[at] ^ (1 << choose(8)));
        break;
    case 2:
        if (in) input->bytes[at] = (char)next_number();
        break;
    case 3:
        set_number(input, at);
        break;
    case 4:
        copy_piece(input, at, any_seed(seed->target));
        break;
    case 5:
        cut(input, at, choose(20) == 0 ? input->size - at : some_length(input->size - at));
        break;
    case 6:
        repeat_piece(input, at);
        break;
    default:
        insert_word(input, at, seed->target->words);
    }
}

/* Returns a random place, rarely one amid zeros, which fill much of an ELF file. */
static size_t some_place(const struct input *input) {
    size_t at = choose(input->size + 1);
    for (int tries = 0; tries < 8 && at < input->size && input->bytes[at] == 0; tries++)
        at = choose(input->size + 1);
    return at;
}

/* Makes several changes, half of which are near each other. */
void mutate(struct input *input, const struct seed *seed) {
    memcpy(input->bytes, seed->bytes, seed->size);
    input->size = seed->size;
    size_t near = some_place(input);
    for (uint64_t changes = choose(choose(3) == 0 ? 40 : 5) + 1; changes > 0; changes--) {
        size_t at = choose(2) == 0 ? some_place(input) : near + choose(100);
        mutate_once(input, seed, at < input->size ? at : input->size);
    }
}
