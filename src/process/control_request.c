#include "process/control_request.h"

#include <string.h>

#include "base/compiler.h"
#include "base/settings.h"
#include "base/text.h"
#include "leak/leak.h"
#include "mallow.h"
#include "os/os.h"
#include "os/os_peer.h"
#include "os/os_process.h"
#include "os/os_service.h"
#include "pages/page_counts.h"
#include "process/control_trace.h"
#include "process/heap_map.h"
#include "process/page.h"
#include "process/print.h"
#include "process/stats.h"
#include "process/word.h"
#include "profile/profile.h"

#define PATIENCE_NS 2000000000ll /* limit for each step of the client */
#define ANSWER_NS 60000000000ll  /* limit for the whole answer */
#define LINE_MAX_BYTES 64
#define ANSWER_PIECE 1024

struct answer {
    struct text text;
    int client;
    int passed;       /* a descriptor to send with the answer, or -1 */
    int64_t deadline; /* for the client's next step; 0: the client missed it */
    int64_t end;      /* by when the client must have taken the whole answer */
};

/* Static, because the control thread has a small stack. A process has only one such thread. */
static UNTOUCHED struct mallow_stats control_request_stats_now;
static UNTOUCHED char control_request_buffer[ANSWER_PIECE];

static int64_t control_request_next_deadline(const struct answer *answer) {
    int64_t next = os_coarse_ns() + PATIENCE_NS;
    return next < answer->end ? next : answer->end;
}

static void control_request_send(void *to, const char *bytes, size_t count) {
    struct answer *answer = to;
    if (answer->deadline == 0) return;
    bool sent = os_send(answer->client, bytes, count, answer->passed, answer->deadline);
    answer->deadline = sent ? control_request_next_deadline(answer) : 0;
    answer->passed = -1;
}

static struct text *control_request_begin_answer(struct answer *answer, const char *with) {
    answer->end = os_coarse_ns() + ANSWER_NS;
    answer->deadline = control_request_next_deadline(answer);
    text_add(&answer->text, with);
    return &answer->text;
}

static struct text *control_request_answer_ok(struct answer *answer) {
    return control_request_begin_answer(answer, "ok\n");
}

static void control_request_answer_error(struct answer *answer, const char *what) {
    struct text *t = control_request_begin_answer(answer, "error ");
    text_add(t, what);
    text_add(t, "\n");
}

/* Reads a decimal number; the empty string is 0. */
static bool control_request_parse_amount(const char *digits, size_t *amount) {
    for (*amount = 0; *digits >= '0' && *digits <= '9'; digits++)
        if (__builtin_mul_overflow(*amount, (size_t)10, amount) ||
            __builtin_add_overflow(*amount, (size_t)(*digits - '0'), amount))
            return false;
    return *digits == '\0';
}

/* ---- the requests ---- */

static void control_request_trim(struct answer *answer, const char *argument) {
    size_t pad;
    if (!control_request_parse_amount(argument, &pad)) {
        control_request_answer_error(answer, "not an amount");
        return;
    }
    uint64_t before = page_counts_purged();
    mallow_trim(pad);
    uint64_t returned = page_counts_purged() - before;
    struct text *t = control_request_answer_ok(answer);
    text_add_number(t, returned);
    text_add(t, "\n");
}

static void control_request_stats(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&control_request_stats_now);
    print_stats(control_request_answer_ok(answer), &control_request_stats_now);
}

static void control_request_info(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&control_request_stats_now);
    print_info(control_request_answer_ok(answer), &control_request_stats_now);
}

static void control_request_figures(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect_all(&control_request_stats_now);
    print_json(control_request_answer_ok(answer), &control_request_stats_now);
}

static void control_request_map(struct answer *answer, const char *argument) {
    struct text *t = control_request_answer_ok(answer);
    heap_map_add_ranges(t);
    if (strcmp(argument, "pages") == 0) heap_map_add_pages(t);
}

static void control_request_page(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect_all(&control_request_stats_now);
    answer->passed = page_publish(&control_request_stats_now);
    if (answer->passed < 0)
        control_request_answer_error(answer, "no shared memory is available");
    else
        control_request_answer_ok(answer);
}

static void control_request_refresh(struct answer *answer, const char *argument) {
    control_request_page(answer, argument);
    answer->passed = -1;
}

static void control_request_begin_leaks(void *answer) { control_request_answer_ok(answer); }
static void control_request_fail_leaks(void *answer, const char *why) {
    control_request_answer_error(answer, why);
}

/* The copy of the process writes the answer. Afterwards this process may add a line, for which it
 * needs new deadlines. */
static void control_request_leaks(struct answer *answer, const char *argument) {
    struct leak_request request = {
        .reachable_too = strcmp(argument, "reachable") == 0,
        .limit = SIZE_MAX,
        .text = &answer->text,
        .begin = control_request_begin_leaks,
        .fail = control_request_fail_leaks,
        .to = answer,
    };
    leak_check(&request);
    answer->end = os_coarse_ns() + PATIENCE_NS;
    answer->deadline = answer->end;
}

static void control_request_profile(struct answer *answer, const char *argument) {
    int file = settings.sample == 0 ? -1 : os_memory_file();
    if (settings.sample == 0) {
        control_request_answer_error(answer, "allocations are not sampled");
    } else if (file < 0 || !profile_write_to(file, strcmp(argument, "all") == 0)) {
        control_request_answer_error(answer, "no shared memory is available");
    } else {
        answer->passed = file;
        control_request_answer_ok(answer);
        text_flush(&answer->text);
    }
    if (file >= 0) os_close(file);
    answer->passed = -1;
}

static void control_request_sample(struct answer *answer, const char *argument) {
    size_t rate = 0;
    struct word word = {argument, strlen(argument)};
    if (!word_is(word, "off") && (!word_parse_number(word, &rate) || rate > PTRDIFF_MAX)) {
        control_request_answer_error(answer, "not an amount");
        return;
    }
    profile_set_rate(rate);
    control_request_answer_ok(answer);
}

static void control_request_trace(struct answer *answer, const char *argument) {
    const char *reason = control_trace(argument, &answer->passed);
    if (reason == NULL)
        control_request_answer_ok(answer);
    else
        control_request_answer_error(answer, reason);
}

static const struct request {
    const char *name;
    void (*serve)(struct answer *answer, const char *argument);
} control_request_table[] = {
    {"trim", control_request_trim},       {"stats", control_request_stats},
    {"info", control_request_info},       {"figures", control_request_figures},
    {"page", control_request_page},       {"refresh", control_request_refresh},
    {"leaks", control_request_leaks},     {"map", control_request_map},
    {"profile", control_request_profile}, {"sample", control_request_sample},
    {"trace", control_request_trace},
};

/* ---- a client ---- */

static const char *control_request_argument(const char *line, const char *name) {
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0) return NULL;
    if (line[length] == '\0') return line + length;
    return line[length] == ' ' ? line + length + 1 : NULL;
}

static void control_request_serve_line(struct answer *answer, const char *line) {
    for (size_t i = 0; i < sizeof control_request_table / sizeof control_request_table[0]; i++) {
        const char *argument = control_request_argument(line, control_request_table[i].name);
        if (argument == NULL) continue;
        control_request_table[i].serve(answer, argument);
        return;
    }
    control_request_answer_error(answer, "unknown request");
}

/* Receives a line and removes its newline. Returns false if no whole line arrives. */
static bool control_request_receive_line(int client, char *line, int64_t deadline) {
    for (size_t have = 0; have < LINE_MAX_BYTES;) {
        size_t n = os_receive(client, line + have, LINE_MAX_BYTES - have, deadline);
        if (n == 0) return false;
        char *end = memchr(line + have, '\n', n);
        have += n;
        if (end == NULL) continue;
        *end = '\0';
        return true;
    }
    return false;
}

RARE void control_request_serve(int client) {
    char line[LINE_MAX_BYTES];
    struct answer answer = {
        .text = {.buffer = control_request_buffer,
                 .size = sizeof control_request_buffer,
                 .sink = control_request_send,
                 .to = &answer},
        .client = client,
        .passed = -1,
        .deadline = os_coarse_ns() + PATIENCE_NS,
    };
    if (!os_peer_may_read(client))
        control_request_answer_error(&answer,
                                     "it answers only root and processes that may read its memory");
    else if (!control_request_receive_line(client, line, answer.deadline))
        control_request_answer_error(&answer, "no request was received");
    else
        control_request_serve_line(&answer, line);
    text_flush(&answer.text);
}
