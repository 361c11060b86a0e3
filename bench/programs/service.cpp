// A service with threads: requests are built in one thread and answered by others.
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

struct Request {
    unsigned key;
    std::string body;
    std::vector<std::string> fields;
};

class Queue {
public:
    void push(std::unique_ptr<Request> request) {
        std::unique_lock<std::mutex> lock(mutex);
        has_room.wait(lock, [this] { return requests.size() < limit; });
        requests.push_back(std::move(request));
        ready.notify_one();
    }
    std::unique_ptr<Request> pop() {
        std::unique_lock<std::mutex> lock(mutex);
        ready.wait(lock, [this] { return !requests.empty(); });
        auto request = std::move(requests.front());
        requests.pop_front();
        has_room.notify_one();
        return request;
    }

private:
    static constexpr size_t limit = 1000;
    std::mutex mutex;
    std::condition_variable ready, has_room;
    std::deque<std::unique_ptr<Request>> requests;
};

static std::mutex store_mutex;
static std::unordered_map<unsigned, std::string> store;
static std::map<std::string, unsigned> by_name;

static void answer(Queue &queue) {
    while (auto request = queue.pop()) {
        std::string joined;
        for (const auto &field : request->fields) joined += field + ";";
        std::lock_guard<std::mutex> lock(store_mutex);
        by_name[joined.substr(0, 24)] = request->key;
        store[request->key % 20000] = joined + request->body;
    }
}

int main(int argc, char **argv) {
    unsigned requests = argc > 1 ? atoi(argv[1]) : 100000;
    Queue queue;
    std::vector<std::thread> workers;
    for (int i = 0; i < 3; i++) workers.emplace_back(answer, std::ref(queue));
    std::mt19937 random(1);
    for (unsigned i = 0; i < requests; i++) {
        auto request = std::make_unique<Request>();
        request->key = random();
        request->body.assign(random() % 900, 'b');
        for (unsigned k = 0; k < 4; k++) request->fields.push_back(std::to_string(random()) + "-field");
        queue.push(std::move(request));
    }
    for (size_t i = 0; i < workers.size(); i++) queue.push(nullptr);
    for (auto &worker : workers) worker.join();
    printf("%zu %zu\n", store.size(), by_name.size());
}
