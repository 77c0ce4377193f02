#include "crew.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <time.h>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

/* A step hands out several tasks within microseconds, and waking a thread takes longer than that:
   who waits looks out for so many nanoseconds before it sleeps. Longer would keep a core from
   whoever has work there, and from a member of this crew whose core another program has. */
enum { LOOKING_OUT = 50000, LOOKS_PER_TIME = 16 };

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
    atomic_uint busy;   /* members that work on the present one, without the caller */
    atomic_int dismissed;
    pthread_mutex_t lock;
    pthread_cond_t called, done;
};

/* Leave the core's other half more room for a moment. */
static void pause_looking(void) {
#if defined(__x86_64__)
    _mm_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

static long long nanoseconds(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000000000LL + now.tv_nsec;
}

/* Wait for as long as a count is, or is not, a value; `changed` is signalled when that ends. */
static void wait_while(crew *crew, atomic_uint *count, unsigned value, int equal, pthread_cond_t *changed) {
    const long long end = nanoseconds() + LOOKING_OUT;
    do {
        for (int look = 0; look < LOOKS_PER_TIME; look++) {
            if ((atomic_load_explicit(count, memory_order_acquire) == value) != equal) return;
            pause_looking();
        }
    } while (nanoseconds() < end);
    pthread_mutex_lock(&crew->lock);
    while ((atomic_load(count) == value) == equal) pthread_cond_wait(changed, &crew->lock);
    pthread_mutex_unlock(&crew->lock);
}

/* Wake who sleeps; the count that it waits for has changed. */
static void signal_change(crew *crew, pthread_cond_t *changed) {
    pthread_mutex_lock(&crew->lock);
    pthread_cond_broadcast(changed);
    pthread_mutex_unlock(&crew->lock);
}

static void *serve(void *argument) {
    member *self = argument;
    crew *crew = self->crew;
    for (unsigned done = 0;; done++) {
        wait_while(crew, &crew->orders, done, 1, &crew->called);
        if (atomic_load(&crew->dismissed)) return NULL;
        crew->task(crew->context, self->number, crew->members);
        if (atomic_fetch_sub(&crew->busy, 1) == 1) signal_change(crew, &crew->done);
    }
}

static void order(crew *crew) {
    atomic_fetch_add(&crew->orders, 1);
    signal_change(crew, &crew->called);
}

crew *crew_start(int members) {
    crew *crew = calloc(1, sizeof *crew);
    if (crew == NULL) return NULL;
    crew->members = members;
    crew->threads = calloc((size_t)members, sizeof *crew->threads);
    crew->posts = calloc((size_t)members, sizeof *crew->posts);
    pthread_mutex_init(&crew->lock, NULL);
    pthread_cond_init(&crew->called, NULL);
    pthread_cond_init(&crew->done, NULL);
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
    if (crew->members > 1) {
        atomic_store(&crew->busy, (unsigned)crew->members - 1);
        order(crew);
    }
    task(context, 0, crew->members);
    if (crew->members > 1) wait_while(crew, &crew->busy, 0, 0, &crew->done);
}

void crew_dismiss(crew *crew) {
    atomic_store(&crew->dismissed, 1);
    order(crew);
    for (int at = 0; at < crew->started; at++) pthread_join(crew->threads[at], NULL);
    pthread_cond_destroy(&crew->called);
    pthread_cond_destroy(&crew->done);
    pthread_mutex_destroy(&crew->lock);
    free(crew->threads);
    free(crew->posts);
    free(crew);
}
