/* Prints groups of allocation sites, for people and as JSON. */
#ifndef MALLOW_SITE_PRINT_H
#define MALLOW_SITE_PRINT_H

#include "profiles/profile.h"
#include "sites/site_groups.h"

struct site_text {
    char text[24];
};

/* Return figures in a form for people. An error is relative to the value, in percent. */
struct site_text site_text_error(double value, double variance);
struct site_text site_text_count(double count);
struct site_text site_text_bytes(double bytes);
struct site_text site_text_seconds(double seconds);

/* Returns the plural ending of a regular noun after a number that is printed without a fraction. */
static inline const char *site_plural(double count) {
    return count >= 0.5 && count < 1.5 ? "" : "s";
}

/* Returns how long half of the blocks live, such as "< 1 ms", "1-10 ms" or "> 12 s". */
struct site_text site_text_lifetime(const struct site_figures *figures);

/* Returns what a group stands for: "function (file:line)" of the heaviest stack, a file, a module
 * or a thread. The caller frees it. */
char *site_title(const struct site_groups *groups, const struct site_group *group);

/* Returns "function (file:line)", or "function (module)" if the file is unknown. The caller frees
 * it.
 */
char *site_frame_title(const struct stacks *stacks, const struct stack_frame *frame,
                       bool has_folders);

/* Does the same without the line, because a function can have several lines with calls. */
char *site_function_title(const struct stacks *stacks, const struct stack_frame *frame);

/* Prints the calls of a stack, the innermost function first. */
void site_print_stack(const struct stacks *stacks, uint32_t stack);

/* Prints a title, shortened to the width of the terminal, and ends the line. `column` is where it
 * begins. */
void site_print_title(const struct site_groups *groups, const struct site_group *group,
                      size_t column);

/* Prints which programs the profile is about. */
void site_print_programs(const struct profile *profile);

/* ---- JSON ---- */

void site_json_text(const char *name, const char *value);
void site_json_sum(const char *name, const struct mallow_profile_sum *sum);
void site_json_stack(const struct stacks *stacks, uint32_t stack);
void site_json_programs(const struct profile *profile);

/* Prints the names of the group and its heaviest stack. */
void site_json_group(const struct site_groups *groups, const struct site_group *group);

#endif
