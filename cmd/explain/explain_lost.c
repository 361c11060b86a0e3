/* Finds out whether the blocks that grow are lost: no pointer leads to them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/attempt.h"
#include "common/printable.h"
#include "common/xalloc.h"
#include "control/control.h"
#include "explain/explain.h"
#include "leaks/leaks.h"

/* The search takes seconds for each GiB, and its copy of the process takes memory. */
#define LIVE_MAX ((uint64_t)4 << 30)
static const struct control_limits EXPLAIN_LOST_LIMITS = {60, (size_t)64 << 20};

/* Writes the function and line of the stack's first frame that is not malloc's: the line
 * "    #1 0xADDRESS in FUNCTION FILE:LINE". */
static void explain_lost_write_site(FILE *to, const char *frames) {
    const char *at = strstr(frames, " in ");
    if (at == NULL) return;
    at += strlen(" in ");
    fprintf(to, "%.*s", (int)strcspn(at, "\n"), at);
}

static void explain_lost_read(FILE *to, void *with) {
    const struct explanation *explanation = with;
    char *text = control_request(explanation->process, "leaks", EXPLAIN_LOST_LIMITS);
    struct leak_answer answer = leaks_parse(leaks_symbolize(text, explanation->process));
    const struct leak_group *largest = NULL;
    unsigned long long bytes = 0, blocks = 0;
    for (int kind = LEAK_DEFINITE; kind <= LEAK_INDIRECT; kind++) {
        bytes += answer.totals[kind].bytes;
        blocks += answer.totals[kind].blocks;
    }
    for (size_t i = 0; i < answer.count; i++)
        if (answer.groups[i].kind == LEAK_DEFINITE && !answer.groups[i].is_remainder &&
            (largest == NULL || answer.groups[i].direct.bytes > largest->direct.bytes))
            largest = &answer.groups[i];
    fprintf(to, "%llu %llu ", bytes, blocks);
    if (largest != NULL) explain_lost_write_site(to, largest->frames);
}

void explain_find_lost(struct explanation *explanation) {
    struct explain_lost *lost = &explanation->lost;
    unsigned long long bytes, blocks;
    int length = 0;
    char *reason;
    if (explain_last(explanation)->live_bytes > LIVE_MAX) return;
    char *text = attempt(explain_lost_read, explanation, &reason);
    free(reason);
    if (text != NULL && sscanf(text, "%llu %llu %n", &bytes, &blocks, &length) == 2) {
        *lost = (struct explain_lost){.is_known = true, .blocks = blocks, .bytes = bytes};
        make_printable(text, strlen(text), "");
        if (text[length] != '\0') lost->site = xstrdup(text + length);
    }
    free(text);
}
