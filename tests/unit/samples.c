/* The samples and the sums of sites agree with a naive model, whatever happens to the blocks. */
#include "unit.h"

#include <limits.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>

#include "base/settings.h"
#include "failing_os.h"
#include "profile/profile_lock.h"
#include "profile/sample_gap.h"
#include "profile/samples.h"
#include "profile/sites.h"
#include "random.h"

#define BLOCKS 5000u
#define STACKS 40u

static struct model_block {
    bool live, large;
    size_t size, largest;
    double weight;
    uint32_t stack;
} model[BLOCKS];

static struct mallow_profile_site sites[3 * STACKS];
static size_t site_count;

static void *address(size_t n) { return (void *)(0x7f0000001000 + n * 64); }

static struct sites_chosen everything(void) {
    return (struct sites_chosen){.last = sites_last(), .all = false};
}

static void read_sites(void) {
    uint32_t next = 0;
    sites_mark_all();
    site_count = 0;
    do site_count += sites_read(&next, everything(), sites + site_count, 7);
    while (next != 0);
}

static const struct mallow_profile_site *site_of(uint32_t stack, bool large) {
    for (size_t i = 0; i < site_count; i++)
        if (sites[i].node == stack && sites[i].large == large) return &sites[i];
    return NULL;
}

static void close_to(double a, double b) { assert_true(fabs(a - b) <= 1e-6 * (fabs(a) + 1)); }

static void check_sites(void) {
    read_sites();
    for (uint32_t stack = 1; stack <= STACKS; stack++) {
        for (int large = 0; large < 2; large++) {
            uint64_t samples = 0;
            double blocks = 0, bytes = 0, variance = 0;
            for (size_t i = 0; i < BLOCKS; i++) {
                const struct model_block *b = &model[i];
                if (!b->live || b->stack != stack || b->large != large) continue;
                double size = (double)b->size, p = 1 / b->weight;
                samples++;
                blocks += b->weight;
                bytes += b->weight * size;
                variance += size * size * (1 - p) / (p * p);
            }
            const struct mallow_profile_site *site = site_of(stack, large);
            if (site == NULL) {
                assert_int_equal(samples, 0);
                continue;
            }
            assert_int_equal(site->live.samples, samples);
            close_to(site->live.blocks, blocks);
            close_to(site->live.bytes, bytes);
            close_to(site->live.variance, variance);
            assert_true(site->peak_bytes >= site->live.bytes);
            assert_true(site->allocated.bytes >= site->live.bytes * (1 - 1e-9));
        }
    }
}

static void check_live(void) {
    struct mallow_profile_live live[100];
    uint32_t next = 0;
    size_t total = 0, expected = 0;
    do {
        size_t count = samples_read(&next, UINT32_MAX, live, 100);
        for (size_t i = 0; i < count; i++) {
            const struct model_block *b = &model[(live[i].address - 0x7f0000001000) / 64];
            assert_true(b->live && b->size == live[i].bytes && b->weight == live[i].blocks);
            assert_true(b->stack == live[i].node && b->large == live[i].large);
        }
        total += count;
    } while (next != 0);
    for (size_t i = 0; i < BLOCKS; i++) expected += model[i].live;
    assert_int_equal(total, expected);
    assert_int_equal(samples_any(), expected != 0);
}

static bool resize_sample(const void *p, const void *now, size_t size) {
    uint32_t sample = samples_begin_resize(p);
    samples_end_resize(sample, p, now, size);
    return sample != 0;
}

static void add(uint64_t *random, size_t i) {
    struct model_block *b = &model[i];
    *b = (struct model_block){.live = true,
                              .large = random_below(random, 10) == 0,
                              .size = random_below(random, 5000),
                              .stack = (uint32_t)random_below(random, STACKS) + 1};
    b->weight = b->large ? 1 : sample_weight(b->size, settings.sample);
    assert_true(samples_add(address(i), b->size, b->large, b->stack));
}

static void resize(uint64_t *random, size_t i) {
    size_t to = random_below(random, BLOCKS);
    if (model[to].live) to = i;
    size_t size = random_below(random, 5000);
    assert_true(resize_sample(address(i), address(to), size));
    struct model_block moved = model[i];
    moved.size = size;
    model[i].live = false;
    model[to] = moved;
}

static void change(uint64_t *random, unsigned changes) {
    for (unsigned n = 0; n < changes; n++) {
        size_t i = random_below(random, BLOCKS);
        if (!model[i].live && random_below(random, 3) == 0) {
            assert_false(samples_remove(address(i)));
            assert_false(resize_sample(address(i), address(i), 1));
        } else if (!model[i].live) {
            add(random, i);
        } else if (random_below(random, 3) == 0) {
            resize(random, i);
        } else {
            assert_true(samples_remove(address(i)));
            model[i].live = false;
        }
    }
}

static void sums_follow_the_blocks(void **state) {
    (void)state;
    uint64_t random = 1;
    settings.sample = 1000;
    for (int i = 0; i < 20; i++) {
        change(&random, 3000);
        check_sites();
        check_live();
    }
}

static void a_reused_place_replaces_its_sample(void **state) {
    (void)state;
    uint64_t random = 2;
    for (size_t i = 0; i < BLOCKS; i++)
        if (model[i].live) add(&random, i);
    check_sites();
    check_live();
}

static void changed_sites_are_read_once(void **state) {
    (void)state;
    uint32_t next = 0;
    read_sites();
    assert_int_equal(sites_read(&next, everything(), sites, 10), 0);
    assert_int_equal(next, 0);
    size_t i = 0;
    while (!model[i].live) i++;
    samples_remove(address(i));
    model[i].live = false;
    assert_int_equal(sites_read(&next, everything(), sites, 10), 1);
    assert_int_equal(sites[0].node, model[i].stack);
}

static void lifetimes_have_a_histogram(void **state) {
    (void)state;
    struct site_block block = {.size = 10, .weight = 2};
    struct lock_hold hold;
    int64_t age = 1000000;
    assert_true(open_lock_take(&profile_lock, &hold));
    uint32_t site = sites_of(STACKS + 1, false);
    for (int i = 0; i < MALLOW_PROFILE_LIFETIMES + 2; i++, age *= 10) {
        site_allocated(site, block);
        site_freed(site, block, age - 1);
    }
    site_allocated(site, block);
    site_freed(site, block, -1);
    site_allocated(site, block);
    site_freed(site, block, 1000000);
    open_lock_drop(&profile_lock, &hold);
    read_sites();
    const struct mallow_profile_site *sums = site_of(STACKS + 1, false);
    assert_true(sums->freed[0] == 4 && sums->freed[1] == 4 && sums->freed[6] == 2);
    assert_true(sums->freed[7] == 6 && sums->live.bytes == 0 && sums->peak_bytes == 20);
    assert_int_equal(sums->allocated.samples, MALLOW_PROFILE_LIFETIMES + 4);
}

/* In the child, the sums begin anew with what is live. */
static void a_fork_keeps_the_blocks(void **state) {
    (void)state;
    samples_after_fork();
    check_live();
    read_sites();
    for (size_t i = 0; i < site_count; i++) {
        assert_int_equal(sites[i].allocated.samples, 0);
        assert_true(sites[i].peak_bytes == sites[i].live.bytes && sites[i].freed[0] == 0);
        assert_memory_equal(&sites[i].inherited, &sites[i].live, sizeof sites[i].live);
    }
}

/* Inherited blocks never count as allocated or freed by the child. */
static void inherited_blocks_are_told_apart(void **state) {
    (void)state;
    size_t i = 0;
    while (!model[i].live) i++;
    uint64_t random = 4;
    struct mallow_profile_live live;
    struct mallow_profile_site before = *site_of(model[i].stack, model[i].large);
    assert_true(samples_get(address(i), &live) && live.inherited == 1);
    assert_true(resize_sample(address(i), address(i), model[i].size));
    assert_true(samples_remove(address(i)));
    read_sites();
    struct mallow_profile_site after = *site_of(model[i].stack, model[i].large);
    assert_int_equal(after.inherited.samples, before.inherited.samples - 1);
    assert_int_equal(after.live.samples, before.live.samples - 1);
    for (int j = 0; j < MALLOW_PROFILE_LIFETIMES; j++) assert_true(after.freed[j] == 0);
    add(&random, i);
    assert_true(samples_get(address(i), &live) && live.inherited == 0);
    read_sites();
    const struct mallow_profile_site *now = site_of(model[i].stack, model[i].large);
    assert_int_equal(now->allocated.samples, 1);
    assert_true(now->inherited.samples < now->live.samples);
}

static void a_fork_repairs_what_another_thread_was_changing(void **state) {
    (void)state;
    atomic_store(&profile_lock.word, 2); /* no holder */
    samples_after_fork();
    check_live();
    uint64_t random = 3;
    for (size_t i = 0; i < BLOCKS; i++)
        if (model[i].live) {
            assert_true(samples_remove(address(i)));
            add(&random, i);
        }
    check_sites();
}

static void losses_are_counted(void **state) {
    (void)state;
    uint64_t before = samples_lost();
    uintptr_t at = 0x10000;
    os_fail(OS_MAP, 1, LONG_MAX);
    while (samples_add((void *)at, 1, false, 1)) at += 16;
    os_fail(OS_MAP, 1, 0);
    assert_int_equal(samples_lost(), before + 1);
    assert_false(samples_remove((void *)at));
    for (at -= 16; at >= 0x10000; at -= 16) assert_true(samples_remove((void *)at));
    check_sites();
}

/* Another thread allocates at the old address of a block that was moved. */
static void a_moved_block_leaves_its_address(void **state) {
    (void)state;
    char *old = (char *)0x5000000, *now = (char *)0x6000000;
    struct mallow_profile_live live;
    assert_true(samples_add(old, 100, true, 1));
    uint32_t sample = samples_begin_resize(old);
    assert_true(sample != 0 && !samples_get(old, &live));
    assert_true(samples_add(old, 200, true, 2));
    uint32_t second = samples_begin_resize(old);
    samples_end_resize(sample, old, now, 300);
    samples_end_resize(second, old, NULL, 400); /* it failed */
    assert_true(samples_get(now, &live) && live.bytes == 300 && live.node == 1);
    assert_true(samples_get(old, &live) && live.bytes == 200 && live.node == 2);
    assert_true(live.address == (uintptr_t)old);
    assert_true(samples_remove(old) && samples_remove(now));
    assert_int_equal(samples_begin_resize(old), 0);
    samples_end_resize(0, old, now, 1);
    assert_false(samples_get(now, &live));
    check_sites();
    check_live();
}

/* A signal handler that interrupts the holder of the lock. */
static void handle(int signal) {
    (void)signal;
    assert_false(samples_add((void *)8, 1, false, 1));
    for (size_t i = 0; i < 100; i++) samples_remove(address(i));
    assert_false(resize_sample(address(200), address(201), 1));
}

static void a_refused_remove_happens_later(void **state) {
    (void)state;
    uint64_t random = 5, lost = samples_lost();
    struct lock_hold hold;
    for (size_t i = 0; i < 100; i++)
        if (!model[i].live) add(&random, i);
    if (!model[200].live) add(&random, 200);
    signal(SIGUSR1, handle);
    open_lock_block_signals(true);
    assert_true(open_lock_take(&profile_lock, &hold));
    raise(SIGUSR1);
    open_lock_drop(&profile_lock, &hold);
    open_lock_block_signals(false);
    assert_int_equal(samples_lost() - lost, 1 + 100 - 64 + 1);
    assert_true(samples_remove(address(99)));
    for (size_t i = 0; i < 64; i++) model[i].live = false;
    model[99].live = false;
    check_live();
    check_sites();
}

static size_t forgotten;

static void forget(const void *p, bool large) {
    struct model_block *b = &model[((uintptr_t)p - 0x7f0000001000) / 64];
    assert_true(b->live && b->large == large);
    assert_false(samples_remove(p));
    b->live = false;
    forgotten++;
}

static void all_are_forgotten(void **state) {
    (void)state;
    samples_forget_all(forget);
    assert_true(forgotten > 1000);
    assert_false(samples_any());
    check_sites();
    check_live();
    for (size_t i = 0; i < site_count; i++) assert_true(sites[i].live.variance == 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_follow_the_blocks),
        cmocka_unit_test(a_reused_place_replaces_its_sample),
        cmocka_unit_test(changed_sites_are_read_once),
        cmocka_unit_test(changed_sites_are_read_once),
        cmocka_unit_test(a_moved_block_leaves_its_address),
        cmocka_unit_test(a_fork_keeps_the_blocks),
        cmocka_unit_test(inherited_blocks_are_told_apart),
        cmocka_unit_test(a_fork_repairs_what_another_thread_was_changing),
        cmocka_unit_test(losses_are_counted),
        cmocka_unit_test(a_refused_remove_happens_later),
        cmocka_unit_test(all_are_forgotten),
        cmocka_unit_test(lifetimes_have_a_histogram),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
