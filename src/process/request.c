#include "process/request.h"

#include <string.h>

#include "base/compiler.h"
#include "base/text.h"
#include "leak/leak.h"
#include "mallow.h"
#include "os/os.h"
#include "os/os_peer.h"
#include "os/os_service.h"
#include "pages/purge.h"
#include "process/page.h"
#include "process/print.h"
#include "process/stats.h"

#define PATIENCE_NS 2000000000ll /* without a step forward */
#define ANSWER_NS 60000000000ll  /* for a whole answer */
#define LINE_MAX_BYTES 64
#define ANSWER_PIECE 1024

struct answer {
    struct text text;
    int client;
    int passed;       /* a descriptor to go with it, or -1 */
    int64_t deadline; /* for the client to ask, then to take more of the answer; 0: no more */
    int64_t end;      /* for it to take all */
};

/* One process, one control thread: they need not be on its small stack. */
static UNTOUCHED struct mallow_stats current;
static UNTOUCHED char piece[ANSWER_PIECE];

static int64_t next_deadline(const struct answer *answer) {
    int64_t next = os_coarse_ns() + PATIENCE_NS;
    return next < answer->end ? next : answer->end;
}

static void to_client(void *to, const char *bytes, size_t count) {
    struct answer *answer = to;
    if (answer->deadline == 0) return;
    bool sent = os_send(answer->client, bytes, count, answer->passed, answer->deadline);
    answer->deadline = sent ? next_deadline(answer) : 0;
    answer->passed = -1;
}

static struct text *begin_answer(struct answer *answer, const char *with) {
    answer->end = os_coarse_ns() + ANSWER_NS;
    answer->deadline = next_deadline(answer);
    text_add(&answer->text, with);
    return &answer->text;
}

static struct text *answer_well(struct answer *answer) { return begin_answer(answer, "ok\n"); }

static void answer_error(struct answer *answer, const char *what) {
    struct text *t = begin_answer(answer, "error ");
    text_add(t, what);
    text_add(t, "\n");
}

/* Decimal; nothing is 0. */
static bool parse_amount(const char *digits, size_t *amount) {
    for (*amount = 0; *digits >= '0' && *digits <= '9'; digits++)
        if (__builtin_mul_overflow(*amount, (size_t)10, amount) ||
            __builtin_add_overflow(*amount, (size_t)(*digits - '0'), amount))
            return false;
    return *digits == '\0';
}

/* ---- the requests ---- */

static void serve_trim(struct answer *answer, const char *argument) {
    size_t pad;
    if (!parse_amount(argument, &pad)) {
        answer_error(answer, "not an amount");
        return;
    }
    uint64_t before = purge_total();
    mallow_trim(pad);
    uint64_t returned = purge_total() - before;
    struct text *t = answer_well(answer);
    text_add_number(t, returned);
    text_add(t, "\n");
}

static void serve_stats(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&current);
    print_stats(answer_well(answer), &current);
}

static void serve_info(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&current);
    print_info(answer_well(answer), &current);
}

static void serve_figures(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&current);
    print_json(answer_well(answer), &current);
}

static void serve_page(struct answer *answer, const char *argument) {
    (void)argument;
    stats_collect(&current);
    answer->passed = page_publish(&current);
    if (answer->passed < 0)
        answer_error(answer, "no shared memory to be had");
    else
        answer_well(answer);
}

static void serve_refresh(struct answer *answer, const char *argument) {
    serve_page(answer, argument);
    answer->passed = -1;
}

static void begin_leaks(void *answer) { answer_well(answer); }
static void fail_leaks(void *answer, const char *why) { answer_error(answer, why); }

/* The copy of the process answers, and what is left to say is said here. */
static void serve_leaks(struct answer *answer, const char *argument) {
    struct leak_request request = {
        .reachable_too = strcmp(argument, "reachable") == 0,
        .limit = SIZE_MAX,
        .text = &answer->text,
        .begin = begin_leaks,
        .fail = fail_leaks,
        .to = answer,
    };
    leak_check(&request);
    answer->end = os_coarse_ns() + PATIENCE_NS;
    answer->deadline = answer->end;
}

static const struct request {
    const char *name;
    void (*serve)(struct answer *answer, const char *argument);
} requests[] = {
    {"trim", serve_trim},       {"stats", serve_stats}, {"info", serve_info},
    {"figures", serve_figures}, {"page", serve_page},   {"refresh", serve_refresh},
    {"leaks", serve_leaks},
};

/* ---- a client ---- */

static const char *argument_of(const char *line, const char *name) {
    size_t length = strlen(name);
    if (strncmp(line, name, length) != 0) return NULL;
    if (line[length] == '\0') return line + length;
    return line[length] == ' ' ? line + length + 1 : NULL;
}

static void serve_line(struct answer *answer, const char *line) {
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        const char *argument = argument_of(line, requests[i].name);
        if (argument == NULL) continue;
        requests[i].serve(answer, argument);
        return;
    }
    answer_error(answer, "unknown request");
}

/* Without its newline; false when none comes. */
static bool receive_line(int client, char *line, int64_t deadline) {
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

RARE void request_serve(int client) {
    char line[LINE_MAX_BYTES];
    struct answer answer = {
        .text = {.buffer = piece, .size = sizeof piece, .sink = to_client, .to = &answer},
        .client = client,
        .passed = -1,
        .deadline = os_coarse_ns() + PATIENCE_NS,
    };
    if (!os_peer_may_read(client))
        answer_error(&answer, "only root may ask, or a process that may read its memory");
    else if (!receive_line(client, line, answer.deadline))
        answer_error(&answer, "no request");
    else
        serve_line(&answer, line);
    text_flush(&answer.text);
}
