/* Two threads do at the same time what only one of them may do. In each round, each thread then
 * gets a block; it is a gain if both get the same one. */
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "wide.h"

enum { THREADS = 2 };

static struct {
    size_t size;
    char *_Atomic p;
    char *got[THREADS];
    _Atomic unsigned arrived;
    unsigned rounds;
    long how;
} race;

/* Waits for the other thread. Both leave at the same moment. */
static void meet(unsigned *meeting) {
    atomic_fetch_add(&race.arrived, 1);
    *meeting += THREADS;
    for (unsigned spins = 0; atomic_load(&race.arrived) < *meeting; spins++)
        if (spins > 1000) sched_yield();
}

enum { BOTH_FREE, FREE_AND_RESIZE, BOTH_RESIZE, FREE_AND_WRITE };

/* Nothing is allocated before both threads have freed: a block that is handed out again in between
 * is another misuse (see double_free.c). */
static char *misuse(size_t number, unsigned *meeting) {
    char *p = race.p;
    bool resizes = race.how == BOTH_RESIZE || (race.how == FREE_AND_RESIZE && number == 1);
    if (resizes) {
        p = realloc(p, 2 * race.size);
        meet(meeting);
        return p;
    }
    if (race.how != FREE_AND_WRITE || number == 0)
        free(p);
    else
        poke(p, 'x', 16);
    meet(meeting);
    return malloc(race.size);
}

static void judge(void) {
    if (race.got[0] == NULL || race.got[0] != race.got[1]) return;
    gained("both threads have the same block");
}

static void *compete(void *argument) {
    size_t number = (size_t)argument;
    unsigned meeting = 0;
    for (unsigned i = 0; i < race.rounds; i++) {
        if (number == 0) race.p = malloc(race.size);
        meet(&meeting);
        race.got[number] = misuse(number, &meeting);
        meet(&meeting);
        if (number == 0) judge();
        meet(&meeting);
        if (number == 0 || race.got[0] != race.got[1]) free(race.got[number]);
    }
    return NULL;
}

static void run(size_t size, long how) {
    pthread_t other;
    race.size = size;
    race.how = how;
    race.rounds = 100;
    if (pthread_create(&other, NULL, compete, (void *)1) != 0) exit(2);
    compete((void *)0);
    pthread_join(other, NULL);
}

const struct misuse races[] = {
    {"both_free", run, BOTH_FREE},
    {"free_and_resize", run, FREE_AND_RESIZE},
    {"both_resize", run, BOTH_RESIZE},
    {"free_and_write", run, FREE_AND_WRITE},
    {0},
};
