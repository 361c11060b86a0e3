/* cause: definitely lost or indirectly lost | modes: leak | asan: no */
#include "corpus.h"

#include <memory>

struct node {
    std::shared_ptr<node> other;
};

__attribute__((noinline)) static void work() {
    auto a = std::make_shared<node>();
    auto b = std::make_shared<node>();
    a->other = b;
    MISUSE(b->other = a);
}

int main() {
    work();
    forget();
    return 0;
}
