// When no memory is left, operator new calls the new handler and succeeds if the handler frees
// enough. Without a handler, operator new throws or returns null.
#include "check.h"
#include "limit.h"

#include <new>
#include <vector>

namespace {

constexpr std::size_t mebibyte = 1 << 20;
char *reserve;

void release_reserve() {
    delete[] reserve;
    reserve = nullptr;
    std::set_new_handler(nullptr);
}

std::vector<char *> allocate_until_exhausted() {
    std::vector<char *> blocks;
    blocks.reserve(1000);
    try {
        for (;;) blocks.push_back(new char[mebibyte]);
    } catch (const std::bad_alloc &) {
        return blocks;
    }
}

void handler_makes_room() {
    reserve = new char[10 * mebibyte];
    std::vector<char *> blocks = allocate_until_exhausted();
    CHECK(blocks.size() >= 32);
    /* Volatile: a compiler may otherwise remove the allocation and assume that it succeeds. */
    char *volatile refused = new (std::nothrow) char[5 * mebibyte];
    CHECK(refused == nullptr);
    std::set_new_handler(release_reserve);
    blocks.push_back(new char[5 * mebibyte]);
    CHECK(reserve == nullptr);
    for (char *block : blocks) delete[] block;
}

} // namespace

int main() {
    limit_address_space(128 * mebibyte);
    handler_makes_room();
    handler_makes_room();
}
