/* Strings. */
#include <locale.h>
#include <string.h>
#include <strings.h>

#include "check.h"

#define CHAR char
#define STR(x) str##x
#define STP(x) stp##x
#define MEMCHR memchr
#define SEARCHED int
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

EXPORT char *strndup(const char *s, size_t most) {
    read_string(HERE, s, most);
    return REAL(strndup)(s, most);
}
ALIAS(__strndup, strndup)

EXPORT char *strcasestr(const char *s, const char *wanted) {
    check_strings(HERE, s, wanted);
    return REAL(strcasestr)(s, wanted);
}
ALIAS(__strcasestr, strcasestr)

EXPORT int strverscmp(const char *a, const char *b) {
    check_strings(HERE, a, b);
    return REAL(strverscmp)(a, b);
}
ALIAS(__strverscmp, strverscmp)

EXPORT char *strfry(char *s) {
    check_string(HERE, s);
    return REAL(strfry)(s);
}

/* ---- cut into pieces ---- */

static void check_cut(struct site site, const char *s, const char *set) {
    if (s != NULL) check_string(site, s);
    check_string(site, set);
}

EXPORT char *strtok(char *s, const char *set) {
    check_cut(HERE, s, set);
    return REAL(strtok)(s, set);
}

EXPORT char *strtok_r(char *s, const char *set, char **rest) {
    check_cut(HERE, s != NULL ? s : *rest, set);
    return REAL(strtok_r)(s, set, rest);
}
ALIAS(__strtok_r, strtok_r)

EXPORT char *strsep(char **s, const char *set) {
    check_cut(HERE, *s, set);
    return REAL(strsep)(s, set);
}
ALIAS(__strsep_g, strsep)
