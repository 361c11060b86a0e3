// A C++ workload: threads create, exchange and destroy containers of the standard library.
#include <condition_variable>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <future>
#include <map>
#include <memory>
#include <mutex>
#include <numeric>
#include <queue>
#include <random>
#include <regex>
#include <sstream>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

namespace {

using Message = std::unique_ptr<std::vector<std::string>>;
// On some machines, std::mt19937 by itself yields more than 32 bits.
using Generator = std::independent_bits_engine<std::mt19937, 32, unsigned>;

// The consumer frees the blocks that producers allocate.
class Queue {
  public:
    void push(Message message) {
        {
            std::lock_guard lock(mutex_);
            messages_.push(std::move(message));
        }
        ready_.notify_one();
    }

    Message pop() {
        std::unique_lock lock(mutex_);
        ready_.wait(lock, [this] { return !messages_.empty(); });
        Message message = std::move(messages_.front());
        messages_.pop();
        return message;
    }

  private:
    std::mutex mutex_;
    std::condition_variable ready_;
    std::queue<Message> messages_;
};

std::uint64_t hash(const std::string &text) {
    std::uint64_t value = 14695981039346656037u;
    for (char c : text) value = (value ^ static_cast<unsigned char>(c)) * 1099511628211u;
    return value;
}

void produce(Queue &queue, unsigned seed) {
    Generator numbers(seed);
    for (int i = 0; i < 2000; i++) {
        auto message = std::make_unique<std::vector<std::string>>();
        for (unsigned n = numbers() % 30; n > 0; n--)
            message->emplace_back(numbers() % 200, static_cast<char>('a' + n % 26));
        queue.push(std::move(message));
    }
    queue.push(nullptr);
}

std::uint64_t consume(Queue &queue, int producers) {
    std::uint64_t sum = 0;
    while (producers > 0) {
        Message message = queue.pop();
        if (!message) {
            producers--;
            continue;
        }
        for (const std::string &text : *message) sum += hash(text);
    }
    return sum;
}

std::uint64_t hand_over() {
    Queue queue;
    std::vector<std::thread> producers;
    for (unsigned seed = 1; seed <= 3; seed++)
        producers.emplace_back(produce, std::ref(queue), seed);
    std::uint64_t sum = consume(queue, 3);
    for (std::thread &producer : producers) producer.join();
    return sum;
}

std::uint64_t count_words(unsigned seed) {
    Generator numbers(seed);
    std::ostringstream text;
    for (int i = 0; i < 20000; i++) text << std::hex << numbers() % 5000 << ' ';

    std::unordered_map<std::string, std::vector<int>> places;
    std::istringstream words(text.str());
    std::string word;
    for (int place = 0; words >> word; place++) places[word].push_back(place);

    std::map<std::string, std::shared_ptr<std::vector<int>>> sorted;
    for (auto &[key, value] : places)
        sorted[key] = std::make_shared<std::vector<int>>(std::move(value));
    std::uint64_t sum = 0;
    for (const auto &[key, value] : sorted) sum = sum * 31 + hash(key) + value->size();
    return sum;
}

std::uint64_t match(unsigned seed) {
    Generator numbers(seed);
    std::regex pattern("([a-f]+)([0-9]+)");
    std::uint64_t sum = 0;
    for (int i = 0; i < 300; i++) {
        std::ostringstream text;
        text << std::hex << numbers() << numbers();
        std::smatch found;
        std::string subject = text.str();
        if (std::regex_search(subject, found, pattern)) sum += hash(found[1]) + hash(found[2]);
    }
    return sum;
}

std::uint64_t in_parallel(const std::function<std::uint64_t(unsigned)> &work) {
    std::vector<std::future<std::uint64_t>> results;
    for (unsigned seed = 0; seed < 12; seed++)
        results.push_back(std::async(std::launch::async, work, seed));
    return std::accumulate(results.begin(), results.end(), std::uint64_t{0},
                           [](std::uint64_t sum, auto &result) { return sum ^ result.get(); });
}

} // namespace

int main() {
    std::printf("hand over %016jx\n", static_cast<std::uintmax_t>(hand_over()));
    std::printf("words     %016jx\n", static_cast<std::uintmax_t>(in_parallel(count_words)));
    std::printf("match     %016jx\n", static_cast<std::uintmax_t>(in_parallel(match)));
}
