/* Parts of the sentences of the verdict. */
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "explain/explain_rules.h"

void verdict_add(struct verdict *verdict, const char *format, ...) {
    size_t length = strlen(verdict->text);
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(verdict->text + length, sizeof verdict->text - length, format, arguments);
    va_end(arguments);
}

static double verdict_seconds(const struct explanation *explanation) {
    double seconds = explain_last(explanation)->seconds - explanation->looks[0].seconds;
    return seconds > 0 ? seconds : 1;
}

struct amount verdict_rate(const struct explanation *explanation, double bytes) {
    double a_second = fabs(bytes) / verdict_seconds(explanation);
    bool is_slow = a_second < 10240;
    struct amount rate = amount_of((unsigned long long)(is_slow ? a_second * 3600 : a_second));
    size_t length = strlen(rate.text);
    snprintf(rate.text + length, sizeof rate.text - length, is_slow ? " an hour" : " a second");
    return rate;
}

static double verdict_percent(const struct explanation *explanation, uint64_t bytes) {
    return 100.0 * (double)bytes / (double)explain_last(explanation)->resident;
}

void verdict_add_share(struct verdict *verdict, const struct explanation *explanation,
                       uint64_t bytes) {
    verdict_add(verdict, "%s of %s of resident memory (%.0f %%)", amount_of(bytes).text,
                amount_of(explain_last(explanation)->resident).text,
                verdict_percent(explanation, bytes));
}

void verdict_add_site(struct verdict *verdict, const struct explanation *explanation,
                      const struct explain_site *site) {
    verdict_add(verdict, "%s", site->function);
    if (*site->place != '\0') verdict_add(verdict, " (%s)", site->place);
    if (*site->module != '\0' && strcmp(site->module, explanation->executable) != 0)
        verdict_add(verdict, " in the library %s", site->module);
}
