#include "top/top_text.h"

#include <math.h>
#include <stdio.h>

#include "sites/site_groups.h"

static struct top_text top_text_scaled(double value, double base, const char *units) {
    struct top_text text;
    double left = fabs(value);
    while (left >= 999.95 && units[1] != '\0') left /= base, units++;
    if (left < 999.95)
        snprintf(text.text, sizeof text.text, *units == ' ' ? "%.0f" : "%.1f%c", left, *units);
    else
        snprintf(text.text, sizeof text.text, "%.0e", left);
    return text;
}

struct top_text top_text_bytes(double bytes) { return top_text_scaled(bytes, 1024, " KMGTPE"); }

struct top_text top_text_count(double count) { return top_text_scaled(count, 1000, " kMGTPE"); }

struct top_text top_text_change(double bytes) {
    struct top_text amount = top_text_bytes(bytes), text;
    snprintf(text.text, sizeof text.text, "%s%.20s",
             fabs(bytes) < 0.5 ? ""
             : bytes < 0       ? "-"
                               : "+",
             amount.text);
    return text;
}

struct top_text top_text_error(double value, double variance) {
    struct top_text text = {""};
    if (value <= 0) return text;
    double percent = 100 * site_error(variance) / value;
    if (variance <= 0)
        snprintf(text.text, sizeof text.text, "exact");
    else if (percent < 999)
        snprintf(text.text, sizeof text.text, percent < 0.95 ? "+-%.1f%%" : "+-%.0f%%", percent);
    else
        snprintf(text.text, sizeof text.text, ">9.9x");
    return text;
}

struct top_text top_text_seconds(double seconds) {
    struct top_text text;
    if (seconds < 0.9995)
        snprintf(text.text, sizeof text.text, "%.0fms", seconds * 1000);
    else if (seconds < 59.95)
        snprintf(text.text, sizeof text.text, "%.1fs", seconds);
    else if (seconds < 3600)
        snprintf(text.text, sizeof text.text, "%dm%02ds", (int)seconds / 60, (int)seconds % 60);
    else if (seconds < 86400)
        snprintf(text.text, sizeof text.text, "%dh%02dm", (int)seconds / 3600,
                 (int)seconds / 60 % 60);
    else
        snprintf(text.text, sizeof text.text, "%.0fd%02dh", floor(seconds / 86400),
                 (int)(fmod(seconds, 86400) / 3600));
    return text;
}
