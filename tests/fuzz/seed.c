/* Plain and inlined functions: the source of seeds whose debug information is mutated. */
struct pair {
    int first;
    struct pair *next;
};

static volatile int sink;

static inline int inner(int x) {
    for (int i = 0; i < x; i++) sink += i;
    return sink;
}

static inline int between(const struct pair *pair) {
    int sum = inner(pair->first);
    if (pair->next != 0) {
        int more = inner(pair->next->first);
        sum += more;
    }
    return sum;
}

int outer(struct pair *pair, int count);
int outer(struct pair *pair, int count) { return count > 3 ? between(pair) + 1 : inner(count); }

int other(int x);
int other(int x) { return inner(x) * 2; }
