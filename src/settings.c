#include "settings.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

#include "os.h"
#include "purge.h"
#include "report.h"
#include "space.h"

#define THRESHOLD_DEFAULT ((size_t)128 * KIB)
#define THRESHOLD_MAX ((size_t)32 * MIB)
#define ADAPTED_MAX ((size_t)64 * MIB)
#define MXFAST_MAX (80 * sizeof(size_t) / 4)

struct settings settings = {
    .mmap_threshold = THRESHOLD_DEFAULT,
    .mmap_max = 65536,
    .mxfast = SLOT_MAX,
    .log_fd = 2,
};

/* ---- what can be set, under whatever name ---- */

static bool set_mmap_threshold(size_t value) {
    if (value > THRESHOLD_MAX) return false;
    racy_store(&settings.mmap_threshold, value);
    settings.fixed_threshold = true;
    return true;
}

static bool set_trim_threshold(size_t value) {
    purge_set_trim_threshold(value);
    settings.fixed_threshold = true;
    return true;
}

static bool set_top_pad(size_t value) {
    space.top_pad = value;
    settings.fixed_threshold = true;
    return true;
}

static bool set_mmap_max(size_t value) {
    settings.mmap_max = value;
    settings.fixed_threshold = true;
    return true;
}

static bool set_mxfast(size_t value) {
    if (value > MXFAST_MAX) return false;
    settings.mxfast = value;
    return true;
}

static bool set_perturb(size_t value) {
    settings.perturb = (uint8_t)value;
    if (settings.perturb != 0) settings.mxfast = 0; /* only slow paths fill */
    return true;
}

static bool set_retain(size_t value) {
    purge_set_retain(value);
    return true;
}

static bool set_summary_process(size_t value) {
    settings.summary = settings.summary && value == (size_t)os_process_id();
    settings.count_calls = settings.summary;
    return true;
}

/* ---- numbers and names ---- */

struct word {
    const char *text;
    size_t length;
};

static bool is(struct word w, const char *name) {
    return strlen(name) == w.length && memcmp(w.text, name, w.length) == 0;
}

/* Decimal or 0x..., with an optional k, m or g. */
static bool parse_number(struct word w, size_t *value) {
    size_t base = 10, i = 0;
    *value = 0;
    if (w.length > 2 && w.text[0] == '0' && (w.text[1] | 32) == 'x') base = 16, i = 2;
    for (; i < w.length; i++) {
        char c = (char)(w.text[i] | 32);
        size_t digit = w.text[i] >= '0' && w.text[i] <= '9' ? (size_t)(w.text[i] - '0')
                       : base == 16 && c >= 'a' && c <= 'f' ? (size_t)(c - 'a' + 10)
                                                            : base;
        if (digit == base) {
            unsigned shift = c == 'k' ? 10 : c == 'm' ? 20 : c == 'g' ? 30 : 0;
            if (shift == 0 || i + 1 != w.length || i == 0) return false;
            return !__builtin_mul_overflow(*value, (size_t)1 << shift, value);
        }
        if (__builtin_mul_overflow(*value, base, value) ||
            __builtin_add_overflow(*value, digit, value))
            return false;
    }
    return w.length > 0;
}

/* libc reads -1 as the largest number: MALLOC_TRIM_THRESHOLD_=-1 turns trimming off. */
static bool parse_libc_number(struct word w, size_t *value) {
    bool negative = w.length > 1 && w.text[0] == '-';
    if (!parse_number((struct word){w.text + negative, w.length - negative}, value)) return false;
    if (negative) *value = -*value;
    return true;
}

struct setter {
    const char *name;
    bool (*set)(size_t value);
};

static const struct setter *setter_of(const struct setter *setters, struct word name) {
    for (; setters->name != NULL; setters++)
        if (is(name, setters->name)) return setters;
    return NULL;
}

/* ---- MALLOW_OPTIONS ---- */

static bool set_log(struct word value) {
    char path[512];
    if (value.length == 0 || value.length >= sizeof path) return false;
    memcpy(path, value.text, value.length);
    path[value.length] = '\0';
    int fd = os_open_append(path);
    if (fd < 0) return false;
    settings.log_fd = fd;
    return true;
}

static bool set_choice(struct word value, const char *off, const char *on, bool *flag) {
    if (!is(value, off) && !is(value, on)) return false;
    *flag = is(value, on);
    return true;
}

static bool set_stats(struct word value) {
    if (!set_choice(value, "off", "exit", &settings.summary)) return false;
    settings.count_calls = settings.summary;
    return true;
}

static bool set_option(struct word key, struct word value, bool *known) {
    static const struct setter numbers[] = {
        {"retain", set_retain},
        {"stats_pid", set_summary_process},
        {NULL, NULL},
    };
    *known = true;
    if (is(key, "retain") && is(value, "auto")) return set_retain(SIZE_MAX);
    if (is(key, "backend")) return is(value, "reserve");
    if (is(key, "check")) return is(value, "free");
    if (is(key, "on_error")) return set_choice(value, "abort", "report", &settings.report_only);
    if (is(key, "stats")) return set_stats(value);
    if (is(key, "stats_format")) return set_choice(value, "text", "json", &settings.summary_json);
    if (is(key, "control")) return set_choice(value, "off", "on", &settings.control);
    if (is(key, "log")) return set_log(value);
    const struct setter *setter = setter_of(numbers, key);
    size_t number;
    *known = setter != NULL;
    return *known && parse_number(value, &number) && setter->set(number);
}

typedef void (*pair_function)(struct word name, struct word value);

/* Calls back for each name=value of a list. */
static void for_each_pair(const char *list, char separator, pair_function call) {
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

static void read_option(struct word name, struct word value) {
    bool known;
    if (set_option(name, value, &known)) return;
    if (known)
        report_warning("MALLOW_OPTIONS: bad value '", value.text, value.length,
                       "' is ignored (see mallow(7) for the key's values)");
    else
        report_warning("MALLOW_OPTIONS: unknown key '", name.text, name.length,
                       "' is ignored (see mallow(7) for the keys)");
}

/* ---- the names that glibc documents ---- */

static void read_tunable(struct word name, struct word value) {
    static const struct setter setters[] = {
        {"glibc.malloc.mmap_threshold", set_mmap_threshold},
        {"glibc.malloc.trim_threshold", set_trim_threshold},
        {"glibc.malloc.top_pad", set_top_pad},
        {"glibc.malloc.mmap_max", set_mmap_max},
        {"glibc.malloc.mxfast", set_mxfast},
        {"glibc.malloc.perturb", set_perturb},
        {NULL, NULL},
    };
    const struct setter *setter = setter_of(setters, name);
    size_t number;
    /* As libc: what is wrong is passed over. */
    if (setter != NULL && parse_libc_number(value, &number)) setter->set(number);
}

static void read_variables(void) {
    static const struct setter setters[] = {
        {"MALLOC_MMAP_THRESHOLD_", set_mmap_threshold},
        {"MALLOC_TRIM_THRESHOLD_", set_trim_threshold},
        {"MALLOC_TOP_PAD_", set_top_pad},
        {"MALLOC_MMAP_MAX_", set_mmap_max},
        {"MALLOC_PERTURB_", set_perturb},
        {NULL, NULL},
    };
    for (const struct setter *s = setters; s->name != NULL; s++) {
        const char *text = getenv(s->name);
        size_t number;
        if (text != NULL && parse_libc_number((struct word){text, strlen(text)}, &number))
            s->set(number);
    }
}

RARE void settings_read(void) {
    if (getauxval(AT_SECURE) != 0) return;
    for_each_pair(getenv("GLIBC_TUNABLES"), ':', read_tunable);
    read_variables();
    for_each_pair(getenv("MALLOW_OPTIONS"), ',', read_option);
}

int settings_mallopt(int parameter, int value) {
    size_t amount = (size_t)value; /* -1 means "no bound" where it means anything */
    switch (parameter) {
    case M_MXFAST:
        return value >= 0 && set_mxfast(amount);
    case M_TRIM_THRESHOLD:
        return set_trim_threshold(amount);
    case M_TOP_PAD:
        return value >= 0 && set_top_pad(amount);
    case M_MMAP_THRESHOLD:
        return value >= 0 && set_mmap_threshold(amount);
    case M_MMAP_MAX:
        return value >= 0 && set_mmap_max(amount);
    case M_PERTURB:
        return set_perturb(amount);
    case M_ARENA_TEST:
    case M_ARENA_MAX:
        return value > 0;
    default:
        return 1; /* as libc does */
    }
}

void settings_adapt_threshold(size_t freed_bytes) {
    if (settings.fixed_threshold || freed_bytes < settings.mmap_threshold ||
        freed_bytes > ADAPTED_MAX)
        return;
    /* Blocks of that very size are the ones that come again. */
    racy_store(&settings.mmap_threshold, freed_bytes + 1);
}
