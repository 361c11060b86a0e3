#include "progress.h"

#include <stdio.h>
#include <unistd.h>

#include "clock.h"

#define DELAY_MS 1000
#define INTERVAL_MS 100
#define WIDTH 30

void progress_begin(struct progress *progress, const char *what, size_t total) {
    *progress = (struct progress){.what = what,
                                  .total = total,
                                  .next = clock_ms() + DELAY_MS,
                                  .can_draw = isatty(STDERR_FILENO) == 1};
}

static void progress_draw(struct progress *progress) {
    static const char full[WIDTH + 1] = "##############################";
    int filled = (int)(progress->done * WIDTH / progress->total);
    fprintf(stderr, "\r%s [%-*.*s] %3zu %%", progress->what, WIDTH, filled, full,
            progress->done * 100 / progress->total);
    fflush(stderr);
    progress->is_drawn = true;
}

void progress_step(struct progress *progress) {
    if (progress->done < progress->total) progress->done++;
    if (!progress->can_draw || clock_ms() < progress->next) return;
    progress->next = clock_ms() + INTERVAL_MS;
    progress_draw(progress);
}

void progress_end(struct progress *progress) {
    if (progress->is_drawn) fputs("\r\033[K", stderr);
    progress->is_drawn = false;
}
