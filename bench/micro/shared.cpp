// Times operations on a shared heap of Mallow and of Boost.Interprocess (managed_shared_memory),
// with 1 process and with 4. The arguments are the numbers of rounds and of operations. A round
// measures both heaps directly one after the other, in alternating order. Prints operations per
// second and the ratio of the two: the median of the ratios of the rounds.
#include <algorithm>
#include <boost/interprocess/managed_shared_memory.hpp>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <err.h>
#include <sched.h>
#include <string>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <vector>

#include <mallow/shared.h>

namespace bi = boost::interprocess;

namespace {

constexpr std::size_t HEAP_BYTES = std::size_t{64} << 20;
constexpr int SLOTS = 1000;
constexpr int PROCESSES_MAX = 4;

[[noreturn]] void fail(const char *what) { errx(EXIT_FAILURE, "%s failed", what); }

// ---- the two heaps ----

class mallow_heap {
  public:
    using block = mallow_shared_handle;

    static void create(const std::string &name) {
        mallow_shared_options options{};
        options.size = options.maximum = HEAP_BYTES;
        mallow_shared *heap = nullptr;
        mallow_shared_unlink(name.c_str());
        if (mallow_shared_open(&heap, name.c_str(), MALLOW_SHARED_CREATE, &options) != MALLOW_OK)
            fail(mallow_error_text(mallow_last_error().result));
        mallow_shared_close(heap);
    }
    static void remove(const std::string &name) { mallow_shared_unlink(name.c_str()); }

    explicit mallow_heap(const std::string &name) {
        if (mallow_shared_open(&heap_, name.c_str(), MALLOW_SHARED_OPEN, nullptr) != MALLOW_OK)
            fail(mallow_error_text(mallow_last_error().result));
    }
    mallow_heap(const mallow_heap &) = delete;
    mallow_heap &operator=(const mallow_heap &) = delete;
    ~mallow_heap() { mallow_shared_close(heap_); }

    void *at(block b) { return mallow_shared_at(heap_, b); }
    block allocate(std::size_t size) {
        block b = 0;
        if (mallow_shared_alloc(heap_, size, &b) != MALLOW_OK) fail("mallow_shared_alloc");
        return b;
    }
    void free(block b) {
        if (mallow_shared_free(heap_, b) != MALLOW_OK) fail("mallow_shared_free");
    }
    block resize(block b, std::size_t, std::size_t size) {
        if (mallow_shared_resize(heap_, &b, size) != MALLOW_OK) fail("mallow_shared_resize");
        return b;
    }

  private:
    mallow_shared *heap_ = nullptr;
};

class boost_heap {
  public:
    using block = void *;

    static void create(const std::string &name) {
        bi::shared_memory_object::remove(name.c_str());
        bi::managed_shared_memory(bi::create_only, name.c_str(), HEAP_BYTES);
    }
    static void remove(const std::string &name) { bi::shared_memory_object::remove(name.c_str()); }

    explicit boost_heap(const std::string &name) : heap_(bi::open_only, name.c_str()) {}

    void *at(block b) { return b; }
    block allocate(std::size_t size) { return heap_.allocate(size); }
    void free(block b) { heap_.deallocate(b); }
    // Resizes in place if Boost can do that, and copies otherwise.
    block resize(block b, std::size_t old_size, std::size_t size) {
        using pointer = char *;
        auto *reuse = static_cast<pointer>(b);
        std::size_t received = size;
        if (size <= old_size) {
            heap_.allocation_command<char>(bi::shrink_in_place | bi::nothrow_allocation, old_size,
                                           received, reuse);
            return b;
        }
        pointer moved = heap_.allocation_command<char>(bi::expand_fwd | bi::allocate_new, size,
                                                       received, reuse);
        if (reuse != nullptr) return moved;
        std::memcpy(moved, b, old_size);
        heap_.deallocate(b);
        return moved;
    }

  private:
    bi::managed_shared_memory heap_;
};

// ---- the operations ----

std::uint64_t next(std::uint64_t &state) {
    state ^= state >> 12;
    state ^= state << 25;
    state ^= state >> 27;
    return state * 0x2545f4914f6cdd1d >> 16;
}

std::size_t some_size(std::uint64_t &state) { return 16 + next(state) % 1009; }

template <typename heap_type> struct slots {
    heap_type &heap;
    std::uint64_t state;
    typename heap_type::block block[SLOTS] = {};
    std::size_t size[SLOTS] = {};

    // Writes both ends, as the owner of a block does.
    void touch(int i) {
        auto *bytes = static_cast<volatile char *>(heap.at(block[i]));
        bytes[0] = 1;
        bytes[size[i] - 1] = 1;
    }
    void allocate(int i) {
        size[i] = some_size(state);
        block[i] = heap.allocate(size[i]);
        touch(i);
    }
    void resize(int i) {
        std::size_t wanted = some_size(state);
        block[i] = heap.resize(block[i], size[i], wanted);
        size[i] = wanted;
        touch(i);
    }
    int any() { return static_cast<int>(next(state) % SLOTS); }
};

// Replaces random blocks.
template <typename heap_type> long run_random(slots<heap_type> &s, long count) {
    for (long i = 0; i < count; i += 2) {
        int slot = s.any();
        s.heap.free(s.block[slot]);
        s.allocate(slot);
    }
    return count;
}

// Allocates and frees one block in turn.
template <typename heap_type> long run_pair(slots<heap_type> &s, long count) {
    for (long i = 0; i < count; i += 2) {
        s.heap.free(s.block[0]);
        s.allocate(0);
    }
    return count;
}

// Repeatedly frees all blocks and allocates the same number. The order of the frees alternates
// between the order of allocation, its reverse and a random order.
template <typename heap_type> long run_orders(slots<heap_type> &s, long count) {
    long done = 0;
    int order[SLOTS];
    for (int turn = 0; done < count; turn++, done += 2 * SLOTS) {
        for (int i = 0; i < SLOTS; i++) order[i] = turn % 3 == 1 ? SLOTS - 1 - i : i;
        if (turn % 3 == 2)
            for (int i = SLOTS - 1; i > 0; i--)
                std::swap(order[i], order[next(s.state) % static_cast<unsigned>(i + 1)]);
        for (int i : order) s.heap.free(s.block[i]);
        for (int i = 0; i < SLOTS; i++) s.allocate(i);
    }
    return done;
}

template <typename heap_type> long run_resize(slots<heap_type> &s, long count) {
    for (long i = 0; i < count; i++) s.resize(s.any());
    return count;
}

// ---- processes ----

struct meeting {
    int ready, go;
    long done[PROCESSES_MAX];
    double end[PROCESSES_MAX];
};

double now() {
    timespec t{};
    clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<double>(t.tv_sec) + static_cast<double>(t.tv_nsec) * 1e-9;
}

template <typename heap_type> using work = long (*)(slots<heap_type> &, long);

template <typename heap_type>
void process(const std::string &name, work<heap_type> run, long count, int index, meeting *m) {
    heap_type heap(name);
    auto s = std::make_unique<slots<heap_type>>(
        slots<heap_type>{heap, 88172645463325252ULL + static_cast<unsigned>(index)});
    for (int i = 0; i < SLOTS; i++) s->allocate(i);
    run(*s, count / 10);
    __atomic_add_fetch(&m->ready, 1, __ATOMIC_SEQ_CST);
    while (!__atomic_load_n(&m->go, __ATOMIC_SEQ_CST)) sched_yield();
    m->done[index] = run(*s, count);
    m->end[index] = now();
}

// Returns operations per second of all processes together.
template <typename heap_type> double measure(work<heap_type> run, long count, int processes) {
    std::string name = "/mallow-bench-" + std::to_string(getpid());
    heap_type::create(name);
    auto *m = static_cast<meeting *>(
        mmap(nullptr, sizeof(meeting), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0));
    if (m == MAP_FAILED) fail("mmap");
    for (int i = 0; i < processes; i++) {
        pid_t child = fork();
        if (child < 0) fail("fork");
        if (child == 0) {
            process<heap_type>(name, run, count / processes, i, m);
            _exit(EXIT_SUCCESS);
        }
    }
    while (__atomic_load_n(&m->ready, __ATOMIC_SEQ_CST) < processes) usleep(1000);
    double start = now();
    __atomic_store_n(&m->go, 1, __ATOMIC_SEQ_CST);
    for (int i = 0, status; i < processes; i++)
        if (wait(&status) < 0 || status != 0) fail("a process");
    double seconds = *std::max_element(m->end, m->end + processes) - start;
    long done = 0;
    for (long n : m->done) done += n;
    munmap(m, sizeof(meeting));
    heap_type::remove(name);
    return static_cast<double>(done) / seconds;
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

template <work<mallow_heap> mallow_run, work<boost_heap> boost_run>
bool compare(const char *name, int processes, int rounds, long count) {
    std::vector<double> own, other, ratios;
    for (int i = 0; i < rounds; i++) {
        double a = 0, b = 0;
        if (i % 2 == 0) a = measure<mallow_heap>(mallow_run, count, processes);
        b = measure<boost_heap>(boost_run, count, processes);
        if (i % 2 != 0) a = measure<mallow_heap>(mallow_run, count, processes);
        own.push_back(a);
        other.push_back(b);
        ratios.push_back(a / b);
    }
    double bar = processes == 1 ? 2.0 : 1.5, ratio = median(ratios);
    std::printf("%-8s %9d %10.2f %10.2f %7.2f %5.1f%s\n", name, processes, median(own) / 1e6,
                median(other) / 1e6, ratio, bar, ratio < bar ? " !" : "");
    std::fflush(stdout);
    return ratio >= bar;
}

} // namespace

int main(int argc, char **argv) {
    int rounds = argc > 1 ? std::atoi(argv[1]) : 15;
    long count = argc > 2 ? std::atol(argv[2]) : 600000;
    if (rounds < 1 || count < 6000) errx(EXIT_FAILURE, "usage: shared [ROUNDS [OPERATIONS]]");
    bool reached = true;
    std::printf("%-8s %9s %10s %10s %7s %5s\n", "", "processes", "Mallow M/s", "Boost M/s", "ratio",
                "bar");
    for (int processes : {1, PROCESSES_MAX}) {
        reached &= compare<run_pair, run_pair>("pair", processes, rounds, count);
        reached &= compare<run_random, run_random>("random", processes, rounds, count);
        reached &= compare<run_orders, run_orders>("orders", processes, rounds, count);
        reached &= compare<run_resize, run_resize>("resize", processes, rounds, count);
    }
    return reached ? EXIT_SUCCESS : EXIT_FAILURE;
}
