#include "crew.h"

#include <immintrin.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

/* A step hands out several tasks within microseconds, and waking a thread takes longer than that: a
   member looks out for the next task this many times before it sleeps. */
enum { LOOKS = 10000 };

typedef struct {
    struct crew *crew;
    int number;
} member;

struct crew {
    int members;
    int started;
    pthread_t *threads;
    member *posts;
    task task;
    void *context;
    atomic_uint orders; /* counts the tasks that were handed out */
    atomic_int busy;
    atomic_int dismissed;
    pthread_mutex_t lock;
    pthread_cond_t called;
};

static void await_order(crew *crew, unsigned last) {
    for (int look = 0; look < LOOKS; look++) {
        if (atomic_load_explicit(&crew->orders, memory_order_acquire) != last) return;
        _mm_pause();
    }
    pthread_mutex_lock(&crew->lock);
    while (atomic_load(&crew->orders) == last) pthread_cond_wait(&crew->called, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

static void *serve(void *argument) {
    member *self = argument;
    crew *crew = self->crew;
    for (unsigned done = 0;; done++) {
        await_order(crew, done);
        if (atomic_load(&crew->dismissed)) return NULL;
        crew->task(crew->context, self->number, crew->members);
        atomic_fetch_sub_explicit(&crew->busy, 1, memory_order_release);
    }
}

static void order(crew *crew) {
    pthread_mutex_lock(&crew->lock);
    atomic_fetch_add_explicit(&crew->orders, 1, memory_order_release);
    pthread_cond_broadcast(&crew->called);
    pthread_mutex_unlock(&crew->lock);
}

crew *crew_start(int members) {
    crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) return NULL;
    crew->members = members;
    crew->threads = calloc((size_t)members, sizeof *crew->threads);
    crew->posts = calloc((size_t)members, sizeof *crew->posts);
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->called, NULL);
    int complete = crew->threads != NULL && crew->posts != NULL;
    while (complete && crew->started < members - 1) {
        int at = crew->started;
        crew->posts[at] = (member){crew, at + 1};
        complete = pthread_create(&crew->threads[at], NULL, serve, &crew->posts[at]) == 0;
        crew->started += complete;
    }
    if (!complete) {
        crew_dismiss(crew);
        return NULL;
    }
    return crew;
}

void crew_run(crew *crew, task task, void *context) {
    crew->task = task;
    crew->context = context;
    atomic_store(&crew->busy, crew->members - 1);
    if (crew->members > 1) order(crew);
    task(context, 0, crew->members);
    for (int look = 0; atomic_load_explicit(&crew->busy, memory_order_acquire) > 0; look++) {
        if (look < LOOKS) _mm_pause();
        else sched_yield();
    }
}

void crew_dismiss(crew *crew) {
    atomic_store(&crew->dismissed, 1);
    order(crew);
    for (int at = 0; at < crew->started; at++) pthread_join(crew->threads[at], NULL);
    pthread_cond_destroy(&crew->called);
    pthread_mutex_destroy(&crew->lock);
    free(crew->threads);
    free(crew->posts);
    free(crew);
}
