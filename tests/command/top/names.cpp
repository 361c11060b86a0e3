// Functions with names that are hard to show: a long one, a wide one, and one with a combining mark.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

namespace very::long_namespace::that_goes_on::and_on {
template <typename First, typename Second, int number>
struct a_template_with_a_long_name {
    struct inner {
        __attribute__((noinline)) static void *allocate(size_t bytes) {
            return memset(malloc(bytes), 1, bytes);
        }
    };
};
} // namespace very::long_namespace::that_goes_on::and_on

__attribute__((noinline)) static void *漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

__attribute__((noinline)) static void *größe(size_t bytes) {
    return memset(malloc(bytes), 1, bytes);
}

int main() {
    using namespace very::long_namespace::that_goes_on::and_on;
    void *blocks[] = {
        a_template_with_a_long_name<
            a_template_with_a_long_name<char *, const volatile unsigned long long &, 77>, int,
            123456789>::inner::allocate(3000000),
        漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字漢字(2000000),
        größe(1000000),
    };
    printf("ready %d\n", (int)getpid());
    fflush(stdout);
    while (getchar() != EOF) continue;
    for (void *block : blocks) free(block);
}
