/* Prints what mallow(7) must say about each entry of the table of options, as roff. options.py
 * compares the output with the manual. A new option's lines can be copied from it. */
#include "process/option_table.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Prints "a | b" for "a|b". */
static void print_words(const char *words) {
    for (; *words != '\0'; words++) printf(*words == '|' ? " | " : "%c", *words);
}

static void print_tag(const struct option *option) {
    if (option->kind == OPTION_CHOICE) {
        printf(".BR %s = ", option->key);
        print_words(option->values);
    } else if (option->kind == OPTION_AUTO_OR_AMOUNT) {
        printf(".BR %s = auto | \\fIamount\\fP", option->key);
    } else {
        printf(".BI %s= %s", option->key, option->values);
    }
    printf("\n");
}

/* Prints mallopt's name for the option, or if it has none, that of the tunable. */
static void print_libc_name(const struct option *option) {
    if (option->parameter == 0) {
        printf("%s", option->key);
    } else if (strcmp(option->key, "check") == 0) {
        printf("M_CHECK_ACTION");
    } else {
        printf("M_");
        for (const char *c = option->key; *c != '\0'; c++) printf("%c", toupper((unsigned char)*c));
    }
}

static void print_names(const struct option *option) {
    if (option->parameter == 0)
        printf("\\(em");
    else
        print_libc_name(option);
    printf("\t%s\t%s\n", *option->variable == '\0' ? "\\(em" : option->variable, option->key);
}

static void print_range(const struct option *option) {
    printf("%s\t0...", option->key);
    if (option->max < SIZE_MAX) printf("%zu", option->max);
    printf("\n");
}

static void print_entry(const struct option *option) {
    printf(".TP\n");
    if (option->source == OPTION_MALLOW) {
        print_tag(option);
    } else {
        printf(".B ");
        print_libc_name(option);
        printf("\n");
    }
    printf("%s\n", option->help);
}

static void print_each(const char *title, enum option_source source,
                       void (*print)(const struct option *option)) {
    printf("# %s\n", title);
    for (const struct option *option = option_table; *option->key != '\0'; option++)
        if (option->source == source) print(option);
}

int main(void) {
    print_each("options", OPTION_MALLOW, print_entry);
    print_each("names", OPTION_LIBC, print_names);
    print_each("ranges", OPTION_LIBC, print_range);
    print_each("knobs", OPTION_LIBC, print_entry);
}
