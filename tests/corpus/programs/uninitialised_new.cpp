/* cause: visible | modes: full hard guard | asan: no */
#include "corpus.h"

struct account {
    long number[4];
    long balance;
    account() {
        if (!FAULTY) memset(this, 0, sizeof *this);
    }
};

/* A constructor does not initialise a member. */
int main() {
    account *old = HIDDEN(new account);
    old->balance = 1000000;
    delete old;
    account *p = HIDDEN(new account);
    long balance = p->balance;
    delete p;
    if (!FAULTY) return balance != 0;
    return balance == 1000000 ? SAW_OLD_DATA : SAW_NOTHING;
}
