/* A crew of threads that run the same task side by side, each on its own part. */

#ifndef SINEFIT_CREW_H
#define SINEFIT_CREW_H

typedef void (*task)(void *context, int member, int members);

typedef struct crew crew;

/* Start `members` - 1 threads, the caller being the first member; NULL without memory for them. */
crew *crew_start(int members);

/* Run a task on every member and wait for all. */
void crew_run(crew *crew, task task, void *context);

void crew_dismiss(crew *crew);

#endif
