// The same as scratch.c, by operator new in std::string.
#include <string>

__attribute__((noinline)) static std::size_t planted(int n) {
    std::string text(static_cast<std::size_t>(20 + n % 2000), 'x');
    __asm__ volatile("" ::"r"(text.data()) : "memory");
    return text.size();
}

int main() {
    std::size_t sum = 0;
    for (int i = 0; i < 200000; i++) sum += planted(i);
    return sum == 0;
}
