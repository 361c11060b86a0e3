/* Prints the result of mallow explain for people. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/command.h"
#include "explain/explain.h"
#include "proc/amount.h"

#define WIDTH 78 /* of the sentences */

/* Less is not worth a line. */
#define SHOWN_MINIMUM 1024

/* ---- parts ---- */

/* Returns an amount with its sign, or "" if it is small. */
static struct amount explain_print_change(int64_t bytes) {
    struct amount amount = {""}, size;
    if (llabs(bytes) < SHOWN_MINIMUM) return amount;
    size = amount_of((unsigned long long)llabs(bytes));
    snprintf(amount.text, sizeof amount.text, "%c%.30s", bytes < 0 ? '-' : '+', size.text);
    return amount;
}

static void explain_print_line(const struct explanation *explanation, const char *label,
                               int64_t bytes, int64_t change) {
    double percent = 100.0 * (double)bytes / (double)explain_last(explanation)->resident;
    char amount[48];
    snprintf(amount, sizeof amount, "%s%s", bytes < 0 ? "-" : "",
             amount_of((unsigned long long)llabs(bytes)).text);
    printf("%-36s %12s %6.1f %% %12s\n", label, amount, percent, explain_print_change(change).text);
}

/* The bound of the rounding is a lower bound of what was requested. */
static const char *explain_print_label(const struct explanation *explanation, int part) {
    if (explanation->is_rounding_bound && part == PART_LIVE)
        return "live blocks, as requested, at least";
    if (explanation->is_rounding_bound && part == PART_ROUNDING)
        return "rounding of live blocks, at most";
    return explain_part_names[part].label;
}

static void explain_print_parts(const struct explanation *explanation) {
    const struct explain_look *first = &explanation->looks[0], *last = explain_last(explanation);
    char span[32];
    snprintf(span, sizeof span, "in %.1f s", last->seconds - first->seconds);
    printf("%-36s %12s %8s %12s\n", "", "now", "", span);
    for (int part = 0; part < PARTS; part++) {
        if (last->parts[part] < SHOWN_MINIMUM && first->parts[part] < SHOWN_MINIMUM) continue;
        explain_print_line(explanation, explain_print_label(explanation, part),
                           (int64_t)last->parts[part],
                           explain_change(explanation, (enum explain_part)part));
    }
    explain_print_line(explanation, "unexplained", last->unexplained,
                       last->unexplained - first->unexplained);
    explain_print_line(explanation, "resident memory", (int64_t)last->resident,
                       (int64_t)(last->resident - first->resident));
    if (last->swapped != 0) printf("%-36s %12s\n", "swapped out", amount_of(last->swapped).text);
}

/* ---- sites ---- */

static void explain_print_sites(const char *title, const struct explain_site *sites, size_t count) {
    if (count == 0) return;
    printf("\n%s\n", title);
    for (size_t i = 0; i < count; i++)
        printf("%12s +-%.0f %%  %s%s%s%s  %s\n", amount_of((unsigned long long)sites[i].bytes).text,
               100 * sites[i].error / sites[i].bytes, sites[i].function,
               *sites[i].place == '\0' ? "" : " (", sites[i].place,
               *sites[i].place == '\0' ? "" : ")", sites[i].module);
}

/* ---- sentences ---- */

/* Prints the text, wrapped at spaces. */
static void explain_print_wrapped(const char *text) {
    size_t column = 0;
    while (*text != '\0') {
        size_t length = strcspn(text, " ");
        if (column != 0 && column + 1 + length > WIDTH) {
            putchar('\n');
            column = 0;
        }
        column += (size_t)printf("%s%.*s", column == 0 ? "" : " ", (int)length, text);
        text += length + strspn(text + length, " ");
    }
    putchar('\n');
}

static void explain_print_notes(const struct explanation *explanation) {
    char text[1024];
    int process = (int)explanation->process;
    if (!explanation->is_readable) {
        snprintf(text, sizeof text,
                 "This user may not inspect process %d, so its memory is not split: try as the "
                 "user it runs as, or as root.",
                 process);
        explain_print_wrapped(text);
    } else if (!explanation->is_on_mallow) {
        bool is_absent = strstr(explanation->why_not, "does not run on Mallow") != NULL;
        snprintf(text, sizeof text, "What its heap holds is not known: %s.%s", explanation->why_not,
                 is_absent ? " Start the program with 'mallow run -- PROGRAM' to see it." : "");
        explain_print_wrapped(text);
    }
}

int explain_print(const struct explanation *explanation, const struct verdict *verdicts,
                  size_t count) {
    const struct explain_look *last = explain_last(explanation);
    printf("process %d (%s), %s, %" PRIu64 " thread%s\n\n", (int)explanation->process,
           explanation->program, explanation->is_on_mallow ? "on Mallow" : "seen from outside",
           last->threads, plural(last->threads));
    explain_print_parts(explanation);
    explain_print_sites("Live memory grows in these functions:", explanation->growing,
                        explain_is_growing(explanation) ? explanation->growing_count : 0);
    explain_print_sites(
        "These functions allocated the blocks that pin free memory:", explanation->surviving,
        last->parts[PART_PINNED] * 10 > last->resident ? explanation->surviving_count : 0);
    putchar('\n');
    for (size_t i = 0; i < count; i++) explain_print_wrapped(verdicts[i].text);
    explain_print_notes(explanation);
    return print_text("");
}
