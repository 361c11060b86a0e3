#include "process/options.h"

#include <string.h>

#include "base/compiler.h"
#include "base/numbers.h"
#include "base/settings.h"
#include "base/text.h"
#include "heap/heap_enter.h"
#include "heap/mode.h"
#include "os/os.h"
#include "os/os_auxv.h"
#include "pages/space.h"
#include "process/calls.h"
#include "process/environment.h"
#include "process/modes.h"
#include "process/option_given.h"
#include "process/option_table.h"
#include "process/options_change.h"
#include "process/word.h"
#include "report/log.h"

static const struct option *options_find(enum option_source source, struct word key) {
    const struct option *option = option_table;
    while (*option->key != '\0' && (option->source != source || !word_is(key, option->key)))
        option++;
    return *option->key == '\0' ? NULL : option;
}

static void options_set_number(const struct option *option, size_t number) {
    option_given_number(option, number);
    option_set_number(option, number);
}

/* ---- lists of name=value ---- */

typedef void (*options_pair_function)(struct word name, struct word value);

/* Calls `call` for each name=value of a list. */
static void options_for_each_pair(const char *list, char separator, options_pair_function call) {
    while (list != NULL && *list != '\0') {
        const char *end = strchr(list, separator);
        size_t length = end == NULL ? strlen(list) : (size_t)(end - list);
        const char *equals = memchr(list, '=', length);
        size_t name = equals == NULL ? length : (size_t)(equals - list);
        struct word value = {"", 0};
        if (equals != NULL) value = (struct word){equals + 1, length - name - 1};
        if (length != 0) call((struct word){list, name}, value);
        list = end == NULL ? NULL : end + 1;
    }
}

/* ---- MALLOW_OPTIONS ---- */

#define NOT_ACCEPTED "" /* the message lists the accepted values */

static bool options_parse(const struct option *option, struct word value, size_t *number) {
    if (option->kind == OPTION_CHOICE) return word_find(value, option->values, number);
    if (option->kind == OPTION_AUTO_OR_AMOUNT && word_is(value, "auto")) {
        *number = SIZE_MAX;
        return true;
    }
    return word_parse_number(value, number) && *number <= option->max;
}

static const char *options_set_path(const struct option *option, struct word value) {
    char path[WORD_PATH_ROOM];
    const char *wrong =
        option->kind == OPTION_FILE ? word_copy_path(value, path) : word_expand_path(value, path);
    if (wrong == NULL) wrong = option_set_path(option, path);
    if (wrong == NULL) option_given_path(option, path);
    return wrong;
}

/* Returns NULL, or why the value is not accepted. */
static const char *options_set(const struct option *option, struct word value) {
    size_t number;
    if (option->kind == OPTION_FILE || option->kind == OPTION_FILE_PATTERN)
        return options_set_path(option, value);
    if (!options_parse(option, value, &number)) return NOT_ACCEPTED;
    options_set_number(option, number);
    return NULL;
}

/* Adds the words in the form "free, hard, full or off". */
static void options_add_words(struct text *t, const char *list) {
    for (const char *word = list, *bar; word != NULL; word = bar == NULL ? NULL : bar + 1) {
        bar = strchr(word, '|');
        if (word != list) text_add(t, bar != NULL ? ", " : " or ");
        text_add_bytes(t, word, bar != NULL ? (size_t)(bar - word) : strlen(word));
    }
}

static void options_add_accepted(struct text *t, const struct option *option) {
    switch (option->kind) {
    case OPTION_CHOICE:
        options_add_words(t, option->values);
        break;
    case OPTION_NUMBER:
        text_add(t, "0 to ");
        text_add_number(t, option->max);
        break;
    case OPTION_ONE_IN:
        text_add(t, "a number, 0 for none");
        break;
    case OPTION_PROCESS:
        text_add(t, "a number");
        break;
    case OPTION_AUTO_OR_AMOUNT:
        text_add(t, "auto or ");
        /* fall through */
    case OPTION_AMOUNT:
        text_add(t, "a number of bytes, optionally followed by k, m or g");
        break;
    }
}

#define SHOWN 100u /* maximum number of bytes of a word that a message repeats */

static void options_add_quoted(struct text *t, const char *before, struct word w) {
    text_add(t, before);
    text_add(t, " '");
    text_add_visible(t, w.text, min_size(w.length, SHOWN));
    text_add(t, "'");
}

/* `option` is NULL if the key is unknown. */
static void options_warn(const struct option *option, struct word key, struct word value,
                         const char *wrong) {
    char line[512];
    struct text t = {.buffer = line, .size = sizeof line};
    text_add(&t, "mallow: MALLOW_OPTIONS:");
    if (option == NULL) {
        options_add_quoted(&t, " unknown key", key);
        text_add(&t, " is ignored (see mallow(7) for the keys)");
    } else {
        options_add_quoted(&t, " bad value", value);
        options_add_quoted(&t, " of", key);
        text_add(&t, " is ignored: ");
        text_add(&t, wrong);
        if (*wrong == '\0') options_add_accepted(&t, option);
        text_add(&t, " (see mallow(7))");
    }
    log_line(&t);
}

static void options_read_pair(struct word name, struct word text) {
    struct word key = word_trim(name), value = word_trim(text);
    const struct option *option = options_find(OPTION_MALLOW, key);
    if (option == NULL && key.length + value.length == 0) return;
    const char *wrong = option == NULL ? NOT_ACCEPTED : options_set(option, value);
    if (wrong != NULL) options_warn(option, key, value, wrong);
}

static void options_read_backend(struct word name, struct word text) {
    struct word key = word_trim(name);
    if (!word_is(key, "backend")) return;
    const struct option *option = options_find(OPTION_MALLOW, key);
    if (option != NULL) options_set(option, word_trim(text));
}

RARE bool options_backend_is_break(void) {
    options_for_each_pair(environment_of("MALLOW_OPTIONS"), ',', options_read_backend);
    return settings.break_backend;
}

/* ---- the names that glibc documents ---- */

#define TUNABLES "glibc.malloc."

/* Ignores invalid values, as libc does. */
static void options_set_libc(const struct option *option, struct word text) {
    size_t number;
    if (word_parse_libc_number(text, &number) && number <= option->max)
        options_set_number(option, number);
}

static void options_read_tunable(struct word name, struct word value) {
    const size_t prefix = sizeof TUNABLES - 1;
    if (name.length < prefix || memcmp(name.text, TUNABLES, prefix) != 0) return;
    const struct option *option = options_find(OPTION_LIBC, word_skip(name, prefix));
    if (option != NULL) options_set_libc(option, value);
}

/* As mallopt(3) documents for MALLOC_CHECK_, the text after the digit and the higher bits of the
 * digit are ignored. */
static void options_set_digit(const struct option *option, char digit) {
    if (digit >= '0' && digit <= '9')
        options_set_number(option, (size_t)((digit - '0') & option->mallopt_bits));
}

static void options_read_variables(void) {
    for (const struct option *option = option_table; *option->key != '\0'; option++) {
        const char *text = *option->variable == '\0' ? NULL : environment_of(option->variable);
        if (text == NULL) continue;
        if (option->kind == OPTION_DIGIT)
            options_set_digit(option, *text);
        else
            options_set_libc(option, (struct word){text, strlen(text)});
    }
}

RARE void options_read(void) {
    if (os_auxv(AT_SECURE) != 0) {
        environment_forget_settings();
        return;
    }
    settings.check_wanted = CHECK_FREE;
    options_read_variables();
    options_for_each_pair(environment_of("GLIBC_TUNABLES"), ':', options_read_tunable);
    options_for_each_pair(environment_of("MALLOW_OPTIONS"), ',', options_read_pair);
    options_change_check(settings.check_wanted);
    if (settings.summary) calls_start();
    heap_follow_settings(); /* constructors of other libraries may have allocated already */
}

RARE int options_mallopt(int parameter, int value) {
    const struct option *option = option_table;
    while (*option->key != '\0' && option->parameter != parameter) option++;
    if (*option->key == '\0' || parameter == 0) return 1; /* as libc does */
    if (option->mallopt_bits != 0)
        options_set_number(option, (size_t)(value & option->mallopt_bits));
    else if (value >= 0 && (size_t)value <= option->max)
        options_set_number(option, (size_t)value);
    else
        return 0;
    heap_follow_settings();
    return 1;
}

/* ---- changes while the program runs ---- */

RARE void options_end_summary(void) {
    settings.summary = false;
    options_change_mode(MODE_COUNT, false);
    heap_follow_settings();
}

/* A thread that keeps using the same few slots enters no slow path, so it would not notice. For a
 * moment, all frees take the slow path. */
#define SAMPLE_NOTICE_NS 20000000ll

RARE void options_sample(bool wanted) {
    static _Atomic int nothing;
    options_change_mode(MODE_SAMPLE, wanted);
    heap_follow_settings();
    space_serve_fast(false);
    os_wait_for(&nothing, 0, SAMPLE_NOTICE_NS);
    space_serve_fast(modes_serve_free());
}

RARE void options_trace(bool wanted) {
    options_change_mode(MODE_TRACE, wanted);
    heap_follow_settings();
}

RARE void options_check(bool pedantic) {
    /* Other threads may still allocate in the old mode and already free in the new one, so the
     * families of a block's functions can no longer be compared. */
    if (settings.check == CHECK_FREE) settings.families_mixed = true;
    options_change_check(CHECK_FULL);
    if (pedantic) options_change_mode(MODE_PEDANTIC, true);
    heap_follow_settings();
}
