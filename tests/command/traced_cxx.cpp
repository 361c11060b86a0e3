/* A C++ program with a leak, traced by mtrace(3). */
#include <mcheck.h>
#include <string>

namespace shop {
template <typename T> struct Basket {
    __attribute__((noinline)) T *add(T value) {
        T *item = new T(value); // the leak of add
        __asm__ volatile("" ::"r"(item));
        return item;
    }
};
} // namespace shop

int main() {
    mtrace();
    shop::Basket<long>().add(1);
    delete new std::string(100, 'x');
    delete[] new int[100];
    return 0;
}
