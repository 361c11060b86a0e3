// The C++ plugin of local_plugin.c: containers, exceptions and the new handler must work in it,
// although the C program that loads it does not know the C++ library.
#include <map>
#include <memory>
#include <new>
#include <string>
#include <vector>

namespace {

int handler_calls;

void give_up() {
    handler_calls++;
    std::set_new_handler(nullptr);
}

bool containers_work() {
    std::map<int, std::string> names;
    std::vector<std::unique_ptr<int[]>> arrays;
    for (int i = 0; i < 1000; i++) {
        names[i] = std::string(static_cast<std::size_t>(i), 'x');
        arrays.push_back(std::make_unique<int[]>(100));
    }
    return names.at(999).size() == 999 && arrays.size() == 1000;
}

bool failure_throws() {
    static volatile std::size_t size = static_cast<std::size_t>(-1);
    try {
        ::operator delete(::operator new(size));
    } catch (const std::bad_alloc &) {
        return true;
    }
    return false;
}

bool handler_is_called() {
    std::set_new_handler(give_up);
    return failure_throws() && handler_calls == 1;
}

} // namespace

extern "C" int run_plugin() { return containers_work() && failure_throws() && handler_is_called(); }
