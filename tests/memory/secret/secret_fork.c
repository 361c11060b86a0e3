/* Children have none of their parent's secrets, and can have their own. */
#include "unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "kinds.h"
#include "marker.h"

enum { SECRETS = 200 };
static char *secrets[SECRETS], *large;

static void create_secrets(void) {
    for (int i = 0; i < SECRETS; i++) {
        secrets[i] = mallow_secret_alloc(MARKER_BYTES, i % 50 == 7 ? MALLOW_SECRET_OWN_PAGES : 0);
        write_marker(secrets[i], 0);
        if (i % 2 == 0) mallow_secret_close(secrets[i], MALLOW_SECRET_WRITE);
    }
    large = mallow_secret_alloc(3 * PAGE, 0);
    for (size_t at = 0; at < 3 * PAGE; at += 64) write_marker(large + at, 0);
}

static void free_secrets(void) {
    for (int i = 0; i < SECRETS; i++) assert_int_equal(mallow_secret_free(secrets[i]), MALLOW_OK);
    assert_int_equal(mallow_secret_free(large), MALLOW_OK);
}

/* Reads all memory of this process through /proc/self/mem, including inaccessible memory, and
 * returns true if the marker is in it. */
static bool has_marker(void) {
    char line[1024];
    unsigned long low, high;
    static char part[1 << 16];
    int memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    HOLDS(memory >= 0 && maps != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        if (sscanf(line, "%lx-%lx ", &low, &high) != 2) continue;
        if (high - low > (64UL << 20)) continue; /* memory of a sanitizer */
        for (unsigned long at = low; at < high; at += sizeof part / 2) {
            if ((char *)at < part + sizeof part && (char *)at + sizeof part > part) continue;
            ssize_t n = pread(memory, part, sizeof part, (off_t)at);
            if (n > 0 && contains_marker(part, (size_t)n, 0)) return true;
        }
    }
    fclose(maps);
    close(memory);
    return false;
}

static void look_for_secrets(void) {
    char *control = map_pages(1);
    HOLDS(!has_marker());
    write_marker(control + 100, 0);
    HOLDS(has_marker());
}

static void a_child_has_no_secret(void **state) {
    (void)state;
    create_secrets();
    assert_true(holds_in_child(look_for_secrets));
    assert_true(is_marker(secrets[1], 0));
    assert_true(is_marker(large + 64, 0));
    free_secrets();
}

static void use_inherited(void) {
    struct mallow_secret_description d;
    HOLDS(mallow_secret_usage().secrets == 0);
    HOLDS(mallow_secret_usage().locked == 0 && locked_bytes() == 0);
    HOLDS(mallow_secret_open(secrets[0], MALLOW_SECRET_READ) == MALLOW_NOT_SECRET);
    HOLDS(mallow_secret_close(secrets[1], MALLOW_SECRET_WRITE) == MALLOW_NOT_SECRET);
    HOLDS(mallow_secret_describe(secrets[1], &d) == MALLOW_NOT_SECRET);
    HOLDS(!mallow_secret_equal(secrets[1], "", 0));
    char *own = mallow_secret_alloc(32, 0), *own_large = mallow_secret_alloc(2 * PAGE, 0);
    HOLDS(own != NULL && own_large != NULL && own[0] == 0);
    strcpy(own, "the child's");
    for (int i = 0; i < SECRETS; i++) {
        HOLDS(mallow_secret_free(secrets[i]) == MALLOW_OK);
        HOLDS(mallow_secret_free(secrets[i]) == MALLOW_NOT_SECRET);
    }
    HOLDS(mallow_secret_free(large) == MALLOW_OK);
    HOLDS(mallow_secret_usage().secrets == 2);
    HOLDS(mallow_secret_close(own, MALLOW_SECRET_WRITE) == MALLOW_OK);
    HOLDS(mallow_secret_equal(own, "the child's", 12));
    HOLDS(mallow_secret_free(own) == MALLOW_OK && mallow_secret_free(own_large) == MALLOW_OK);
}

static void use_inherited_twice(void) {
    char *own = mallow_secret_alloc(32, 0);
    strcpy(own, "the child's");
    HOLDS(holds_in_child(use_inherited));
    HOLDS(strcmp(own, "the child's") == 0);
    HOLDS(mallow_secret_free(own) == MALLOW_OK);
    HOLDS(locked_bytes() == PAGE); /* one empty page is kept */
    exit(EXIT_SUCCESS);            /* runs the destructors */
}

static void a_child_can_have_its_own(void **state) {
    (void)state;
    create_secrets();
    assert_true(holds_in_child(use_inherited));
    assert_int_equal(mallow_secret_usage().secrets, SECRETS + 1);
    assert_true(is_marker(secrets[1], 0));
    free_secrets();
}

static void a_grandchild_can_have_its_own(void **state) {
    (void)state;
    create_secrets();
    assert_true(holds_in_child(use_inherited_twice));
    assert_true(is_marker(secrets[1], 0));
    free_secrets();
}

static atomic_bool is_over;

static void *use_secrets(void *unused) {
    while (!atomic_load(&is_over)) {
        char *p = mallow_secret_alloc(48, MALLOW_SECRET_OWN_PAGES);
        if (p == NULL || mallow_secret_close(p, MALLOW_SECRET_WRITE) != MALLOW_OK ||
            mallow_secret_open(p, MALLOW_SECRET_READ) != MALLOW_OK || p[3] != 0 ||
            mallow_secret_free(p) != MALLOW_OK)
            abort();
    }
    return unused;
}

/* A fork in the middle of an allocation would copy memory that is not yet excluded from forks. */
static bool has_secret_mapping(void) {
    char line[1024];
    bool is_found = false;
    FILE *maps = fopen("/proc/self/maps", "r");
    while (fgets(line, sizeof line, maps) != NULL) is_found |= strstr(line, "secretmem") != NULL;
    fclose(maps);
    return is_found;
}

static void use_one(void) {
    HOLDS(!has_secret_mapping());
    char *p = mallow_secret_alloc(48, 0);
    HOLDS(p != NULL && mallow_secret_free(p) == MALLOW_OK);
}

/* The child of a fork during a call of another thread can call all functions. */
static void forks_during_calls(void **state) {
    (void)state;
    pthread_t threads[2];
    atomic_store(&is_over, false);
    for (int i = 0; i < 2; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, use_secrets, NULL), 0);
    for (int i = 0; i < 60; i++) assert_true(holds_in_child(use_one));
    atomic_store(&is_over, true);
    for (int i = 0; i < 2; i++) pthread_join(threads[i], NULL);
    assert_int_equal(mallow_secret_usage().secrets, 0);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_has_no_secret),
        cmocka_unit_test(a_child_can_have_its_own),
        cmocka_unit_test(a_grandchild_can_have_its_own),
        cmocka_unit_test(forks_during_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
