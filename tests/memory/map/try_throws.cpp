// A C++ exception leaves mallow_map_try. Later faults then have their default effect, and later
// calls are protected.
#include <mallow/map.h>

#include <csignal>
#include <cstdio>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

static mallow_map map;

static void fail(const char *what) {
    std::fprintf(stderr, "%s: %s\n", what, mallow_error_text(mallow_last_error().result));
    _exit(1);
}

static void touch(void *) { (void)*static_cast<volatile char *>(map.data); }

static void throw_number(void *) { throw std::runtime_error("thrown"); }

// Returns the signal that ends a child.
static int signal_of_access() {
    pid_t child = fork();
    if (child == 0) {
        touch(nullptr);
        _exit(0);
    }
    int status;
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int main() {
    int fd;
    if (mallow_map_shared(100, 0, "test", &map, &fd) != MALLOW_OK) fail("shared");
    bool caught = false;
    try {
        mallow_map_try(&map, throw_number, nullptr);
    } catch (const std::runtime_error &) {
        caught = true;
    }
    if (!caught) fail("catch");
    if (ftruncate(fd, 0) != 0) fail("ftruncate");
    if (signal_of_access() != SIGBUS) fail("an access without a call");
    if (mallow_map_try(&map, touch, nullptr) != MALLOW_TRUNCATED) fail("try");
    if (mallow_map_end(&map) != MALLOW_OK) fail("end");
    close(fd);
}
