/* Nothing: one thread allocates, and another one frees. */
#include <pthread.h>
#include <semaphore.h>

#include "program.h"

enum { ROOM = 64, BLOCKS = 100000 };
static void *queue[ROOM];
static sem_t filled, empty;

static void *consume(void *unused) {
    for (int i = 0; i < BLOCKS; i++) {
        sem_wait(&filled);
        free(queue[i % ROOM]);
        sem_post(&empty);
    }
    return unused;
}

static NOINLINE void produce(int i) {
    sem_wait(&empty);
    queue[i % ROOM] = malloc(200);
    use(queue[i % ROOM], 200);
    sem_post(&filled);
}

int main(void) {
    pthread_t consumer;
    sem_init(&filled, 0, 0);
    sem_init(&empty, 0, ROOM);
    pthread_create(&consumer, NULL, consume, NULL);
    for (int i = 0; i < BLOCKS; i++) produce(i);
    pthread_join(consumer, NULL);
    return 0;
}
