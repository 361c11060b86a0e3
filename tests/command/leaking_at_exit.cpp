/*
 * Ends, and has lost blocks or not:
 *     leaking_at_exit HOW...      each of
 *         lose  lose-mapping  lose-inside  lose-many-inside  keep-in-static
 *         keep-crowd  lose-crowd  keep-array  keep-base  return-3
 *         fork-lose  fork-clean  exec  late  thread
 * The children's statuses are standard output's last line.
 */
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <list>
#include <memory>
#include <string>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

/* Not in the name space: the compiler would leave out what nobody reads. */
char *inside;
std::string *array;
struct Second;
Second *base;
char ***crowd;

/* An object of it within another begins where its own virtual table is. */
struct Second {
    virtual ~Second() = default;
    long number = 2;
};

namespace {

/* What a destructor frees when main has returned, is not lost. */
struct Keeper {
    std::list<std::string> names;
    int *numbers = new int[1000];
    ~Keeper() { delete[] numbers; }
} keeper;

struct First {
    virtual ~First() = default;
    long number = 1;
};
struct Both : First, Second {};

struct Node {
    std::unique_ptr<Node> next;
    char says[32];
};

[[gnu::noinline]] void lose() {
    auto *head = new Node;
    head->next = std::make_unique<Node>();
    strcpy(head->says, "head");
    strcpy(head->next->says, "tail");
    asm volatile("" : : "r"(head) : "memory");
}

[[gnu::noinline]] void lose_mapping() {
    auto *block = static_cast<char *>(malloc(1 << 20));
    strcpy(block, "mapping");
    asm volatile("" : : "r"(block) : "memory");
}

[[gnu::noinline]] void lose_inside() { inside = static_cast<char *>(calloc(100, 1)) + 10; }

/* Each of its own size, and so in a group of its own. */
[[gnu::noinline]] void lose_many_inside() {
    static char *many[60];
    for (size_t i = 0; i < 60; i++) {
        many[i] = static_cast<char *>(calloc(i + 9, 4096)) + 30;
    }
    asm volatile("" : : "r"(many) : "memory");
}

/* More than the check can put off until it has looked into the first: a block that leads to 200000,
 * each of which leads to another. */
[[gnu::noinline]] void make_crowd() {
    crowd = new char **[200000];
    for (size_t i = 0; i < 200000; i++) {
        crowd[i] = new char *[1];
        *crowd[i] = new char[8];
    }
}

/* An exit handler of the program's that loses what it had until then. */
void *volatile until_exit;
void forget() {
    until_exit = nullptr;
    printf("forgot\n");
}

[[gnu::noinline]] void wipe_stack() {
    char stack[16384];
    explicit_bzero(stack, sizeof stack);
}

int status_of_child() {
    int status;
    wait(&status);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

void do_as_told(const std::string &how, char **argv) {
    if (how == "lose") lose();
    if (how == "lose-mapping") lose_mapping();
    if (how == "lose-inside") lose_inside();
    if (how == "keep-in-static") keeper.names.assign(1000, std::string(100, 'x'));
    if (how == "lose-many-inside") lose_many_inside();
    if (how == "keep-crowd" || how == "lose-crowd") make_crowd();
    if (how == "lose-crowd") crowd = nullptr;
    if (how == "keep-array") array = new std::string[1001];
    if (how == "keep-base") base = new Both;
    if (how == "late") until_exit = malloc(50), atexit(forget);
    if (how == "thread")
        std::thread([] {
            for (;;) free(malloc(100)), usleep(1);
        }).detach();
    if (how == "return-3") exit(3);
    if (how == "exec") execl(argv[0], argv[0], "lose", nullptr);
    if (how.rfind("fork-", 0) != 0) return;
    if (fork() == 0) {
        if (how == "fork-lose") lose();
        wipe_stack();
        exit(0);
    }
    printf("child %d\n", status_of_child());
}

} // namespace

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) do_as_told(argv[i], argv);
    wipe_stack();
    printf("buffered");
}
