// Every form of operator new and delete aligns blocks, fails as declared, and calls the new
// handler.
#include "check.h"
#include "pattern.h"

#include <cstdint>
#include <malloc.h>
#include <new>

namespace {

using std::align_val_t;
using std::nothrow;
using std::size_t;

struct Allocation {
    bool array, aligned, throws;
    void *(*function)(size_t, align_val_t);
};

struct Release {
    bool array, aligned;
    void (*function)(void *, size_t, align_val_t);
};

const Allocation allocations[] = {
    {false, false, true, [](size_t n, align_val_t) { return ::operator new(n); }},
    {false, false, false, [](size_t n, align_val_t) { return ::operator new(n, nothrow); }},
    {false, true, true, [](size_t n, align_val_t a) { return ::operator new(n, a); }},
    {false, true, false, [](size_t n, align_val_t a) { return ::operator new(n, a, nothrow); }},
    {true, false, true, [](size_t n, align_val_t) { return ::operator new[](n); }},
    {true, false, false, [](size_t n, align_val_t) { return ::operator new[](n, nothrow); }},
    {true, true, true, [](size_t n, align_val_t a) { return ::operator new[](n, a); }},
    {true, true, false, [](size_t n, align_val_t a) { return ::operator new[](n, a, nothrow); }},
};

const Release releases[] = {
    {false, false, [](void *p, size_t, align_val_t) { ::operator delete(p); }},
    {false, false, [](void *p, size_t n, align_val_t) { ::operator delete(p, n); }},
    {false, false, [](void *p, size_t, align_val_t) { ::operator delete(p, nothrow); }},
    {false, true, [](void *p, size_t, align_val_t a) { ::operator delete(p, a); }},
    {false, true, [](void *p, size_t n, align_val_t a) { ::operator delete(p, n, a); }},
    {false, true, [](void *p, size_t, align_val_t a) { ::operator delete(p, a, nothrow); }},
    {true, false, [](void *p, size_t, align_val_t) { ::operator delete[](p); }},
    {true, false, [](void *p, size_t n, align_val_t) { ::operator delete[](p, n); }},
    {true, false, [](void *p, size_t, align_val_t) { ::operator delete[](p, nothrow); }},
    {true, true, [](void *p, size_t, align_val_t a) { ::operator delete[](p, a); }},
    {true, true, [](void *p, size_t n, align_val_t a) { ::operator delete[](p, n, a); }},
    {true, true, [](void *p, size_t, align_val_t a) { ::operator delete[](p, a, nothrow); }},
};

void check_pair(const Allocation &allocation, const Release &release, size_t alignment) {
    for (size_t size = 0; size < 3000000; size += size + 1) {
        void *block = allocation.function(size, align_val_t{alignment});
        void *other = allocation.function(size, align_val_t{alignment});
        std::uint64_t key = pattern_key(block, size, alignment);
        CHECK(block != nullptr && other != nullptr && block != other);
        CHECK_EQUAL(reinterpret_cast<std::uintptr_t>(block) % alignment, 0);
        pattern_fill(block, size, key);
        release.function(other, size, align_val_t{alignment});
        CHECK(pattern_holds(block, size, key));
        release.function(block, size, align_val_t{alignment});
    }
}

void every_pair() {
    for (const Allocation &allocation : allocations) {
        for (const Release &release : releases) {
            if (allocation.array != release.array || allocation.aligned != release.aligned)
                continue;
            check_pair(allocation, release, 16);
            if (!allocation.aligned) continue;
            for (size_t alignment = 32; alignment <= 1 << 20; alignment *= 8)
                check_pair(allocation, release, alignment);
        }
    }
}

void null_is_released() {
    for (const Release &release : releases) release.function(nullptr, 0, align_val_t{64});
}

constexpr size_t too_large = static_cast<size_t>(PTRDIFF_MAX) + 1;

// Returns true if an allocation of the size fails as declared: by an exception if the form throws,
// and otherwise with a null pointer.
bool fails_as_declared(const Allocation &allocation, size_t size) {
    try {
        return allocation.function(size, align_val_t{64}) == nullptr && !allocation.throws;
    } catch (const std::bad_alloc &) {
        return allocation.throws;
    }
}

int handler_calls;

void give_up_at_the_third_call() {
    if (++handler_calls == 3) std::set_new_handler(nullptr);
}

struct OwnFailure : std::bad_alloc {};

void throw_own_failure() {
    handler_calls++;
    throw OwnFailure();
}

void failure_without_handler() {
    for (const Allocation &allocation : allocations) {
        CHECK(fails_as_declared(allocation, too_large));
        if (running_on_mallow()) // the C++ library rounds this size up to 0
            CHECK(fails_as_declared(allocation, SIZE_MAX));
    }
}

void handler_is_called_until_it_gives_up() {
    for (const Allocation &allocation : allocations) {
        handler_calls = 0;
        std::set_new_handler(give_up_at_the_third_call);
        CHECK(fails_as_declared(allocation, too_large));
        CHECK_EQUAL(handler_calls, 3);
    }
}

void exception_of_the_handler_passes() {
    std::set_new_handler(throw_own_failure);
    for (const Allocation &allocation : allocations) {
        handler_calls = 0;
        bool caught = false;
        try {
            CHECK(allocation.function(too_large, align_val_t{64}) == nullptr);
        } catch (const OwnFailure &) {
            caught = true;
        }
        CHECK_EQUAL(caught, allocation.throws);
        CHECK_EQUAL(handler_calls, 1);
    }
    std::set_new_handler(nullptr);
}

} // namespace

int main() {
    every_pair();
    null_is_released();
    failure_without_handler();
    handler_is_called_until_it_gives_up();
    exception_of_the_handler_passes();
}
