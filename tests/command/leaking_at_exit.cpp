/*
 * Carries out its arguments, which lose or keep blocks, and ends:
 *     leaking_at_exit ACTION...      each of
 *         lose  lose-mapping  lose-inside  lose-many-inside  keep-in-static
 *         keep-crowd  lose-crowd  keep-array  keep-base  return-3
 *         fork-lose  fork-clean  exec  late  thread
 * Prints "child STATUS" for each child.
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

/* Not in the namespace: the compiler would leave out variables that are never read. */
char *inside;
std::string *array;
struct Second;
Second *base;
char ***crowd;

/* Within a Both, a Second begins at its own pointer to a virtual table. */
struct Second {
    virtual ~Second() = default;
    long number = 2;
};

namespace {

/* A block that a static destructor frees is not lost. */
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
    char content[32];
};

[[gnu::noinline]] void lose() {
    auto *head = new Node;
    head->next = std::make_unique<Node>();
    strcpy(head->content, "head");
    strcpy(head->next->content, "tail");
    asm volatile("" : : "r"(head) : "memory");
}

[[gnu::noinline]] void lose_mapping() {
    auto *block = static_cast<char *>(malloc(1 << 20));
    strcpy(block, "mapping");
    asm volatile("" : : "r"(block) : "memory");
}

[[gnu::noinline]] void lose_inside() { inside = static_cast<char *>(calloc(100, 1)) + 10; }

/* Each block has a different size, and so is a separate group. */
[[gnu::noinline]] void lose_many_inside() {
    static char *many[60];
    for (size_t i = 0; i < 60; i++) {
        many[i] = static_cast<char *>(calloc(i + 9, 4096)) + 30;
    }
    asm volatile("" : : "r"(many) : "memory");
}

/* A block with pointers to 200000 others, each of which points to another one: more than the check
 * can queue while it searches the first. */
[[gnu::noinline]] void make_crowd() {
    crowd = new char **[200000];
    for (size_t i = 0; i < 200000; i++) {
        crowd[i] = new char *[1];
        *crowd[i] = new char[8];
    }
}

/* An exit handler of the program that loses a block. */
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

void run_action(const std::string &action, char **argv) {
    if (action == "lose") lose();
    if (action == "lose-mapping") lose_mapping();
    if (action == "lose-inside") lose_inside();
    if (action == "keep-in-static") keeper.names.assign(1000, std::string(100, 'x'));
    if (action == "lose-many-inside") lose_many_inside();
    if (action == "keep-crowd" || action == "lose-crowd") make_crowd();
    if (action == "lose-crowd") crowd = nullptr;
    if (action == "keep-array") array = new std::string[1001];
    if (action == "keep-base") base = new Both;
    if (action == "late") until_exit = malloc(50), atexit(forget);
    if (action == "thread")
        std::thread([] {
            for (;;) free(malloc(100)), usleep(1);
        }).detach();
    if (action == "return-3") wipe_stack(), exit(3);
    if (action == "exec") execl(argv[0], argv[0], "lose", nullptr);
    if (action.rfind("fork-", 0) != 0) return;
    if (fork() == 0) {
        if (action == "fork-lose") lose();
        wipe_stack();
        exit(0);
    }
    printf("child %d\n", status_of_child());
}

} // namespace

int main(int argc, char **argv) {
    for (int i = 1; i < argc; i++) run_action(argv[i], argv);
    wipe_stack();
    printf("buffered");
}
