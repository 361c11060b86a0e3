/* Shows the padding that the compiler inserts so that each member is aligned, and what the order of
 * the members costs. Members in descending order of alignment need padding only at the end.
 *
 *     $ struct_padding
 *     as it came: 32 bytes
 *         flag at 0, 1 byte, then 7 of padding
 *         amount at 8, 8 bytes
 *         kind at 16, 1 byte, then 3 of padding
 *         count at 20, 4 bytes
 *         state at 24, 1 byte, then 7 of padding
 *     largest first: 16 bytes
 *         amount at 0, 8 bytes
 *         count at 8, 4 bytes
 *         flag at 12, 1 byte
 *         kind at 13, 1 byte
 *         state at 14, 1 byte, then 1 of padding
 *     1000000 elements: 31250 KiB or 15625 KiB
 */
#include <stddef.h>
#include <stdio.h>

struct as_it_came {
    char flag;
    double amount;
    char kind;
    int count;
    char state;
};

struct largest_first {
    double amount;
    int count;
    char flag, kind, state;
};

struct member {
    const char *name;
    size_t offset, size;
};

#define MEMBER(type, name) {#name, offsetof(struct type, name), sizeof((struct type *)0)->name}

static void show(const char *title, size_t size, const struct member *members, size_t count) {
    printf("%s: %zu bytes\n", title, size);
    for (size_t i = 0; i < count; i++) {
        const struct member *member = &members[i];
        size_t end = member->offset + member->size;
        size_t padding = (i + 1 < count ? members[i + 1].offset : size) - end;
        printf("    %s at %zu, %zu byte%s", member->name, member->offset, member->size,
               member->size == 1 ? "" : "s");
        if (padding != 0) printf(", then %zu of padding", padding);
        putchar('\n');
    }
}

int main(void) {
    static const struct member first[] = {
        MEMBER(as_it_came, flag),  MEMBER(as_it_came, amount), MEMBER(as_it_came, kind),
        MEMBER(as_it_came, count), MEMBER(as_it_came, state),
    };
    static const struct member second[] = {
        MEMBER(largest_first, amount), MEMBER(largest_first, count), MEMBER(largest_first, flag),
        MEMBER(largest_first, kind),   MEMBER(largest_first, state),
    };
    show("as it came", sizeof(struct as_it_came), first, 5);
    show("largest first", sizeof(struct largest_first), second, 5);
    printf("1000000 elements: %zu KiB or %zu KiB\n", 1000000 * sizeof(struct as_it_came) / 1024,
           1000000 * sizeof(struct largest_first) / 1024);
}
