// A C++ program with a mismatched free. Comments mark the lines that the report must name.
#include <memory>

namespace names {

struct list {
    int *numbers;
    list() { numbers = new int[10]; } // allocated here
    ~list() { delete numbers; }       // freed here
};

} // namespace names

int main() { auto list = std::make_unique<names::list>(); }
