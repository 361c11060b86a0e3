/* Functions for strings. */
#include <locale.h>
#include <string.h>
#include <strings.h>

#include "check.h"

#define CHAR char
#define STR(x) str##x
#define STP(x) stp##x
#define MEMCHR memchr
#define CHAR_ARGUMENT int
#include "string_template.h"

ALIAS(__strdup, strdup)
ALIAS(__strcasecmp, strcasecmp)
ALIAS(__strcasecmp_l, strcasecmp_l)
ALIAS(__strncasecmp_l, strncasecmp_l)
ALIAS(__strcoll_l, strcoll_l)
ALIAS(__strxfrm_l, strxfrm_l)
ALIAS(__stpcpy, stpcpy)
ALIAS(__stpncpy, stpncpy)
ALIAS(index, strchr)
ALIAS(rindex, strrchr)

CHECKED(char *, strndup, (const char *s, size_t max), (s, max), read_string(HERE, s, max))
ALIAS(__strndup, strndup)

CHECKED(char *, strcasestr, (const char *s, const char *needle), (s, needle),
        check_strings(HERE, s, needle))
ALIAS(__strcasestr, strcasestr)

CHECKED(int, strverscmp, (const char *a, const char *b), (a, b), check_strings(HERE, a, b))
ALIAS(__strverscmp, strverscmp)

CHECKED(char *, strfry, (char *s), (s), check_string(HERE, s))

/* ---- tokens ---- */

static void check_cut(struct site site, const char *s, const char *set) {
    if (s != NULL) check_string(site, s);
    check_string(site, set);
}

CHECKED(char *, strtok, (char *s, const char *set), (s, set), check_cut(HERE, s, set))

CHECKED(char *, strtok_r, (char *s, const char *set, char **rest), (s, set, rest),
        check_cut(HERE, s != NULL ? s : *rest, set))
ALIAS(__strtok_r, strtok_r)

CHECKED(char *, strsep, (char **s, const char *set), (s, set), check_cut(HERE, *s, set))
ALIAS(__strsep_g, strsep)
