/* mallow advise: rules for what the code does with a block, which the debug information shows. */
#include <stdlib.h>
#include <string.h>

#include "advise/advise_costs.h"
#include "advise/advise_rules.h"
#include "common/xalloc.h"
#include "proc/amount.h"
#include "symbols/symbols_calls.h"

/* Returns true if a name, which may have the prefix of a built-in function, is in the list. */
static bool advise_is_one_of(const char *name, const char *const *list) {
    static const char builtin[] = "__builtin_";
    if (name == NULL) return false;
    if (strncmp(name, builtin, strlen(builtin)) == 0) name += strlen(builtin);
    for (; *list != NULL; list++)
        if (strcmp(name, *list) == 0) return true;
    return false;
}

/* ---- keys ---- */

static const char *const advise_wipers[] = {"explicit_bzero",           "explicit_memset",
                                            "memset_explicit",          "memset_s",
                                            "memzero_explicit",         "OPENSSL_cleanse",
                                            "sodium_memzero",           "gnutls_memset",
                                            "mbedtls_platform_zeroize", NULL};

/* Returns the name of the function that wipes the block right before the call frees it, or NULL.
 * Both calls must have the same first argument. */
static const char *advise_wiper(const struct symbol_calls *calls, ssize_t index) {
    if (index < 1) return NULL;
    const struct symbol_call *call = &calls->list[index], *before = call - 1;
    bool wipes = advise_is_one_of(before->callee, advise_wipers) &&
                 symbol_argument_equals(&before->arguments[0], &call->arguments[0]);
    return wipes ? before->callee : NULL;
}

/* Returns the name of the function that wipes a block that is freed there, or NULL. The caller
 * frees it. */
static char *advise_wiper_at(const struct advise *advise, uint32_t stack) {
    struct symbol_calls calls;
    uint32_t frame = trace_stacks_site(advise->stacks, stack);
    ssize_t index = trace_stacks_find_calls(advise->stacks, frame, &calls);
    const char *wiper = advise_wiper(&calls, index);
    char *name = wiper == NULL ? NULL : xstrdup(wiper);
    symbol_calls_clear(&calls);
    return name;
}

bool advise_wiped(const struct advise *advise, const struct advise_site *site,
                  struct advice *advice) {
    char *wiper = NULL;
    for (unsigned i = 0; i < site->free_stack_count && (i == 0 || wiper != NULL); i++) {
        free(wiper);
        wiper = advise_wiper_at(advise, site->free_stacks[i]);
    }
    if (wiper != NULL) {
        advice_figure(advice, "blocks", site->blocks);
        advice_because(advice,
                       "The program wipes the blocks with %s() before it frees them: they are "
                       "secret. While they live, they are in core files, in swap space and in "
                       "children, and realloc leaves copies.",
                       wiper);
        advice_do(advice, "Allocate them as secret memory: mallow-secret(3).");
    }
    free(wiper);
    return advice->evidence != NULL;
}

/* ---- zeros ---- */

/* Returns true if the next call after the allocation clears as many bytes as were requested. */
static bool advise_clears(const struct symbol_calls *calls, ssize_t index) {
    static const char *const names[] = {"memset", NULL};
    if (index < 0 || (size_t)index + 1 >= calls->count) return false;
    const struct symbol_call *call = &calls->list[index], *next = call + 1;
    return advise_is_one_of(next->callee, names) && next->arguments[1].is_zero &&
           symbol_argument_equals(&next->arguments[2], &call->arguments[0]);
}

bool advise_calloc(const struct advise *advise, const struct advise_site *site,
                   struct advice *advice) {
    uint64_t calloc_kinds = (uint64_t)1 << MALLOW_TRACE_MALLOC;
    struct symbol_calls calls;
    if (site->kinds != calloc_kinds) return false;
    bool clears =
        advise_clears(&calls, trace_stacks_find_calls(advise->stacks, site->frame, &calls));
    symbol_calls_clear(&calls);
    if (!clears) return false;
    advice->nanoseconds = advise_cost_copy((double)site->large.bytes);
    advice_figure(advice, "blocks", site->blocks);
    advice_figure(advice, "bytes", site->bytes);
    advice_figure(advice, "size_max", site->sizes.max);
    advice_because(advice,
                   "The call of memset after the allocation clears all bytes of the %" PRIu64
                   " block%s, %s in all. New pages are zero already, and clearing them touches "
                   "them.",
                   site->blocks, site->blocks == 1 ? "" : "s", amount_of(site->bytes).text);
    advice_do(advice, "Use calloc(), which clears only what has been used before.");
    return true;
}

/* ---- products ---- */

#define PRODUCT_SIZES_MIN 8u /* different sizes: the count varies */

/* Returns the index of the argument with the size, or -1 if the function checks the product itself,
 * or is unknown. */
static int advise_size_argument(const char *callee) {
    static const char *const first[] = {"malloc", "xmalloc", "g_malloc", "emalloc", NULL};
    static const char *const second[] = {"realloc", "xrealloc", "g_realloc", "erealloc", NULL};
    return advise_is_one_of(callee, first) ? 0 : advise_is_one_of(callee, second) ? 1 : -1;
}

bool advise_reallocarray(const struct advise *advise, const struct advise_site *site,
                         struct advice *advice) {
    struct symbol_calls calls;
    if (site->sizes.different < PRODUCT_SIZES_MIN) return false;
    ssize_t index = trace_stacks_find_calls(advise->stacks, site->frame, &calls);
    int argument = index < 0 ? -1 : advise_size_argument(calls.list[index].callee);
    bool is_product = argument >= 0 && calls.list[index].arguments[argument].is_product;
    symbol_calls_clear(&calls);
    if (!is_product) return false;
    advice_figure(advice, "blocks", site->blocks);
    advice_figure(advice, "size_min", site->sizes.min);
    advice_figure(advice, "size_max", site->sizes.max);
    advice_because(advice,
                   "The size is a product of a count that varies (%u%s different sizes, up to %s). "
                   "If the product overflows, the block is too small for the count.",
                   site->sizes.different,
                   site->sizes.different == ADVISE_SIZES_MAX ? " or more" : "",
                   amount_of(site->sizes.max).text);
    advice_do(advice,
              "Use reallocarray(block, count, size), with NULL for a new block: it fails instead.");
    return true;
}
