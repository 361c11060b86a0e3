// After mcheck(3) blocks of C++ are checked, and deleting an array without [] ends the program.
#include <csignal>
#include <mcheck.h>
#include <new>

#include "check.h"
#include "processes.h"

static int calls;
static void note(mcheck_status) { calls++; }

static int *get(size_t count) {
    int *volatile p = new int[count];
    return p;
}

static void delete_wrongly() {
    int *volatile p = get(3);
    delete p;
}

int main() {
    int *early = get(3);
    CHECK_EQUAL(mcheck(note), 0);
    delete[] early;
    delete[] get(3);
    int *volatile p = get(3);
    p[3] ^= 1;
    delete[] p;
    CHECK_EQUAL(calls, 1);
    int status;
    pid_t child = start_child();
    if (child == 0) {
        delete_wrongly();
        _exit(EXIT_SUCCESS);
    }
    CHECK_EQUAL(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}
