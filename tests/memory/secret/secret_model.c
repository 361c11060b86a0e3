/* Random calls compared with a model of each secret. */
#include "unit.h"

#include "../../support/random.h"
#include "kinds.h"

enum { SECRETS = 400, STEPS = 30000 };

static uint64_t random_state = 0x5ec7e7;

static struct model {
    unsigned char *p; /* NULL: there is no secret */
    size_t bytes;
    unsigned readers, writers;
    unsigned char value;
    bool has_own_pages;
} models[SECRETS];

static enum mallow_secret_state state_of(const struct model *m) {
    if (m->writers != 0) return MALLOW_SECRET_READ_WRITE;
    return m->readers != 0 ? MALLOW_SECRET_READ_ONLY : MALLOW_SECRET_CLOSED;
}

static uintptr_t page_of(const struct model *m) { return (uintptr_t)m->p / PAGE; }

static void check(const struct model *m) {
    struct mallow_secret_description d = describe(m->p);
    enum mallow_secret_state widest = MALLOW_SECRET_CLOSED;
    assert_int_equal(d.bytes, m->bytes);
    assert_int_equal(d.readers, m->readers);
    assert_int_equal(d.writers, m->writers);
    assert_int_equal(d.state, state_of(m));
    assert_int_equal(d.has_own_pages, m->has_own_pages);
    for (int i = 0; i < SECRETS; i++)
        if (models[i].p != NULL && page_of(&models[i]) == page_of(m) &&
            state_of(&models[i]) > widest)
            widest = state_of(&models[i]);
    assert_int_equal(d.page_state, widest);
    if (state_of(m) != MALLOW_SECRET_CLOSED)
        for (size_t i = 0; i < m->bytes; i++) assert_int_equal(m->p[i], m->value);
}

static void allocate(struct model *m) {
    unsigned flags = random_below(&random_state, 8) == 0 ? MALLOW_SECRET_OWN_PAGES : 0;
    size_t bytes = random_below(&random_state, random_below(&random_state, 10) == 0 ? 9000 : 300);
    m->p = mallow_secret_alloc(bytes, flags);
    assert_non_null(m->p);
    m->bytes = bytes;
    m->readers = 0;
    m->writers = 1;
    m->value = 0;
    m->has_own_pages = bytes != 0 && (flags != 0 || bytes > PAGE / 4);
    for (size_t i = 0; i < bytes; i++) assert_int_equal(m->p[i], 0);
    for (int i = 0; i < SECRETS; i++) { /* no two secrets overlap, canaries included */
        if (models[i].p == NULL || &models[i] == m) continue;
        assert_true(m->p + bytes + 16 <= models[i].p || models[i].p + models[i].bytes + 16 <= m->p);
    }
    m->value = (unsigned char)random_next(&random_state);
    memset(m->p, m->value, bytes);
}

static void step(void) {
    struct model *m = &models[random_below(&random_state, SECRETS)];
    if (m->p == NULL) {
        allocate(m);
        return;
    }
    bool is_write = random_below(&random_state, 2) == 0;
    unsigned access = is_write ? MALLOW_SECRET_WRITE : MALLOW_SECRET_READ;
    unsigned *opens = is_write ? &m->writers : &m->readers;
    switch (random_below(&random_state, 8)) {
    case 0:
        assert_int_equal(mallow_secret_free(m->p), MALLOW_OK);
        assert_int_equal(mallow_secret_free(m->p), MALLOW_NOT_SECRET);
        m->p = NULL;
        return;
    case 1:
        assert_int_equal(mallow_secret_free(m->p + 1), MALLOW_NOT_SECRET);
        break;
    case 2:
    case 3:
        assert_int_equal(mallow_secret_open(m->p, access), MALLOW_OK);
        ++*opens;
        break;
    default:
        assert_int_equal(mallow_secret_close(m->p, access),
                         *opens == 0 ? MALLOW_NOT_OPEN : MALLOW_OK);
        if (*opens != 0) --*opens;
    }
    check(m);
}

static void secrets_agree_with_a_model(void **state) {
    (void)state;
    uint64_t count = 0, bytes = 0;
    for (int i = 0; i < STEPS; i++) step();
    for (int i = 0; i < SECRETS; i++) {
        if (models[i].p == NULL) continue;
        check(&models[i]);
        count++;
        bytes += models[i].bytes;
    }
    assert_int_equal(mallow_secret_usage().secrets, count);
    assert_int_equal(mallow_secret_usage().bytes, bytes);
    assert_int_equal(mallow_secret_usage().locked, locked_bytes());
    for (int i = 0; i < SECRETS; i++) {
        assert_int_equal(mallow_secret_free(models[i].p), MALLOW_OK);
        models[i].p = NULL;
    }
    assert_int_equal(mallow_secret_usage().secrets, 0);
    assert_int_equal(mallow_secret_usage().locked, PAGE);
    assert_int_equal(locked_bytes(), PAGE);
}

int main(int argc, char **argv) {
    choose_kind(argc, argv);
    const struct CMUnitTest tests[] = {cmocka_unit_test(secrets_agree_with_a_model)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
