// Stacks of C++ code equal those that libunwind finds: in constructors, destructors during
// exception handling, handlers and templates.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "check.h"
#include "oracle.h"

#define NOINLINE __attribute__((noinline))

namespace {

struct Guard {
    explicit Guard(int n) : n_(n) {
        if (n % 2 == 0) compare();
    }
    ~Guard() { compare(); }
    volatile int n_;
};

struct Base {
    virtual ~Base() { compare(); }
    virtual void work(int n) = 0;
};
struct Other {
    virtual ~Other() {}
    virtual void others(int n) = 0;
};
struct Derived : Base, Other {
    NOINLINE void work(int n) override {
        Guard guard(n);
        others(n);
    }
    NOINLINE void others(int n) override {
        if (n > 0) work(n - 1);
        compare();
    }
};

NOINLINE void thrower(int n) {
    Guard guard(n);
    if (n == 0) throw std::runtime_error("there");
    std::string text(static_cast<size_t>(n) * 10, 'x');
    thrower(n - 1);
    text += "y";
    compare();
}

NOINLINE void rethrower(int n) {
    try {
        thrower(n);
    } catch (const std::exception &) {
        compare();
        throw;
    }
}

NOINLINE void with_exceptions(int n) {
    try {
        rethrower(n);
    } catch (const std::runtime_error &error) {
        compare();
    }
    compare();
}

NOINLINE void with_callbacks() {
    std::vector<int> numbers;
    for (int i = 0; i < 200; i++) numbers.push_back(i * 37 % 211);
    int calls = 0;
    std::sort(numbers.begin(), numbers.end(), [&](int a, int b) {
        if (++calls % 50 == 0) compare();
        return a < b;
    });
    std::function<void(int)> down = [&](int n) {
        if (n > 0) down(n - 1);
        compare();
    };
    down(20);
}

} // namespace

int main() {
    for (int i = 0; i < 100; i++) {
        with_exceptions(i % 20);
        Derived derived;
        Other &other = derived;
        other.others(i % 10);
        with_callbacks();
    }
    printf("%lu stacks compared\n", compared());
}
