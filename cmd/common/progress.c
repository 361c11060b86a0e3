#include "common/progress.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "common/clock.h"

#define DELAY_MS 1000
#define INTERVAL_MS 100
#define WIDTH_MAX 30
#define WIDTH_MIN 5
#define COLUMNS_DEFAULT 80

/* Returns true if standard error is a terminal that knows escape sequences. */
static bool progress_can_draw(void) {
    const char *terminal = getenv("TERM");
    return isatty(STDERR_FILENO) == 1 && terminal != NULL && strcmp(terminal, "dumb") != 0;
}

void progress_begin(struct progress *progress, const char *what, size_t total) {
    *progress = (struct progress){.what = what,
                                  .total = total,
                                  .next = clock_ms() + DELAY_MS,
                                  .can_draw = progress_can_draw()};
}

static size_t progress_columns(void) {
    struct winsize size;
    bool is_known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col != 0;
    return is_known ? size.ws_col : COLUMNS_DEFAULT;
}

/* The line must be shorter than the terminal's lines, because it could not be removed if it were
 * continued on a second one. The terminal may have changed its size since the line was drawn. */
static void progress_draw(struct progress *progress) {
    static const char full[WIDTH_MAX + 1] = "##############################";
    size_t percent = progress->done * 100 / progress->total, columns = progress_columns();
    size_t others = strlen(progress->what) + strlen(" [] 100 %"), width = WIDTH_MAX;
    if (columns < others + 1 + width) width = columns > others + 1 ? columns - others - 1 : 0;
    if (width >= WIDTH_MIN)
        fprintf(stderr, "\r%s [%-*.*s] %3zu %%\033[K", progress->what, (int)width,
                (int)(progress->done * width / progress->total), full, percent);
    else
        fprintf(stderr, "\r%3zu %%\033[K", percent);
    fflush(stderr);
    progress->is_drawn = true;
}

void progress_step(struct progress *progress) {
    if (progress->done < progress->total) progress->done++;
    if (!progress->can_draw || clock_ms() < progress->next) return;
    progress->next = clock_ms() + INTERVAL_MS;
    progress_draw(progress);
}

void progress_hide(struct progress *progress) {
    if (progress->is_drawn) fputs("\r\033[K", stderr);
    progress->is_drawn = false;
}
