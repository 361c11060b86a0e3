// The heap works from the first code of the program that the loader runs to the last that exit
// runs. Each stage verifies the block of the stage before it and leaves one for the next.
#include "check.h"
#include "pattern.h"
#include "threads.h"

#include <string>
#include <vector>

namespace {

constexpr std::size_t size = 3000;
int stage;
void *block;

void churn_all_sizes() {
    for (std::size_t n = 1; n < 3000000; n *= 2) {
        void *p = std::malloc(n);
        CHECK(p != nullptr);
        std::free(std::realloc(p, 3 * n));
        delete[] new char[n];
    }
}

void next_stage(int expected) {
    CHECK_EQUAL(stage, expected);
    stage++;
    churn_all_sizes();
    CHECK(block == nullptr || pattern_holds(block, size, pattern_key(block, size, 0)));
    std::free(block);
    block = std::malloc(size);
    pattern_fill(block, size, pattern_key(block, size, 0));
}

enum {
    PREINIT,
    CONSTRUCTOR,
    STATIC_OBJECT,
    MAIN,
    THREAD_OBJECT_DESTROYED,
    KEY_DESTRUCTOR,
    KEY_DESTRUCTOR_AGAIN,
    ATEXIT,
    STATIC_OBJECT_DESTROYED,
    DESTRUCTOR,
};

void before_any_constructor() { next_stage(PREINIT); }

__attribute__((section(".preinit_array"), used)) void (*const preinit)() = before_any_constructor;

__attribute__((constructor(101))) void construct() { next_stage(CONSTRUCTOR); }

// The last code of the program that exit runs.
__attribute__((destructor(101))) void destruct() {
    next_stage(DESTRUCTOR);
    std::free(block);
    _exit(EXIT_SUCCESS);
}

struct StaticObject {
    std::vector<std::string> texts{100, std::string(100, 'x')};
    StaticObject() { next_stage(STATIC_OBJECT); }
    ~StaticObject() { next_stage(STATIC_OBJECT_DESTROYED); }
} static_object;

struct ThreadObject {
    std::string text = std::string(100, 'x');
    ~ThreadObject() { next_stage(THREAD_OBJECT_DESTROYED); }
};

thread_local ThreadObject thread_object;
pthread_key_t key;

void key_destructor(void *value) {
    int round = *static_cast<int *>(value);
    next_stage(round == 0 ? KEY_DESTRUCTOR : KEY_DESTRUCTOR_AGAIN);
    delete static_cast<int *>(value);
    if (round == 0) pthread_setspecific(key, new int(1));
}

void *thread(void *) {
    thread_object.text += "y";
    pthread_setspecific(key, new int(0));
    return nullptr;
}

} // namespace

int main() {
    next_stage(MAIN);
    CHECK_EQUAL(pthread_key_create(&key, key_destructor), 0);
    run_in_thread(thread, nullptr);
    std::atexit([] { next_stage(ATEXIT); });
    return EXIT_FAILURE; // The last destructor exits with success.
}
