/* A bounded queue between threads. A waiting thread sleeps, so that waiting costs no processor
 * time. */
#ifndef QUEUE_H
#define QUEUE_H

#include <pthread.h>

enum { QUEUE_CAPACITY = 16 };

struct queue {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    unsigned head, count;
    void *items[QUEUE_CAPACITY];
};

#define QUEUE_INITIALIZER \
    { .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER }

static inline void queue_put(struct queue *queue, void *item) {
    pthread_mutex_lock(&queue->lock);
    while (queue->count == QUEUE_CAPACITY) pthread_cond_wait(&queue->changed, &queue->lock);
    queue->items[(queue->head + queue->count++) % QUEUE_CAPACITY] = item;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
}

static inline void *queue_take(struct queue *queue) {
    pthread_mutex_lock(&queue->lock);
    while (queue->count == 0) pthread_cond_wait(&queue->changed, &queue->lock);
    void *item = queue->items[queue->head];
    queue->head = (queue->head + 1) % QUEUE_CAPACITY;
    queue->count--;
    pthread_cond_signal(&queue->changed);
    pthread_mutex_unlock(&queue->lock);
    return item;
}

#endif
