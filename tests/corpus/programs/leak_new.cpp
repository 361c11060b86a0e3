/* cause: definitely lost | modes: leak */
#include "corpus.h"

struct base {
    char name[40];
    ~base() {}
};
struct derived : base {
    char *data;
    derived() { data = HIDDEN(new char[100]); /* ALLOCATED */ }
    ~derived() { delete[] data; }
};

/* Without a virtual destructor, the derived class's destructor is not called. */
__attribute__((noinline)) static void work() {
    derived *p = HIDDEN(new derived);
    MISUSE(static_cast<base *>(p)->~base());
    if (!FAULTY) p->~derived();
    ::operator delete(p);
}

int main() {
    work();
    forget();
    return 0;
}
