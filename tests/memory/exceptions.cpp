// The headers compile as C++, and exceptions end scopes.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <stdexcept>

#include <mallow/arena.h>
#include <mallow/bytes.h>
#include <mallow/scratch.h>

static void check(bool right, const char *what) {
    if (right) return;
    std::fprintf(stderr, "%s\n", what);
    std::exit(1);
}

static void throw_from(int depth) {
    MALLOW_SCRATCH(scratch);
    void *block = mallow_scratch_alloc(&scratch, 20000);
    std::memset(block, depth, 20000);
    if (depth == 0) throw std::runtime_error("thrown");
    throw_from(depth - 1);
}

struct arena {
    mallow_arena *handle = mallow_arena_create(nullptr);
    ~arena() { mallow_arena_destroy(handle); }
};

int main() {
    MALLOW_SCRATCH(scratch);
    void *block = mallow_scratch_alloc(&scratch, 100);
    std::memset(block, 1, 100);
    const char *at = mallow_scratch_stack.at;
    for (int i = 0; i < 1000; i++) {
        try {
            throw_from(10);
        } catch (const std::runtime_error &) {
            check(mallow_scratch_stack.at == at, "an exception has left a scope");
        }
    }
    arena words;
    check(std::strcmp(mallow_arena_strdup(words.handle, "word"), "word") == 0, "strdup");
    char text[4];
    check(mallow_copy(text, sizeof text, "abcd", 5) == MALLOW_NO_ROOM, "no room");
}
