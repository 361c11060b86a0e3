/*
 * A process is killed at each instruction of each function. The next process must find the heap as
 * it was before the call or as it is after it.
 *
 * The victim is traced with ptrace(2) and does one instruction at a time. Two cases are tested:
 * - All processes are killed. This is the same as a copy of the image at this moment, so one victim
 *   is enough for all instructions of a function.
 * - Another process has the heap open. Each instruction takes a victim of its own, which is really
 *   killed while another thread waits for the lock.
 *
 *     steps [SEED [all]]     # a random sample of the instructions, or all of them
 *
 * The test is not for processors on which a traced process cannot complete an exclusive store.
 */
#include "victim.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../support/random.h"

enum { STEPS_MAX = 200000, HANGING_SECONDS = 600 };

static uint64_t steps_random;
static bool is_complete;            /* tests each instruction, and not a random sample */
static int instructions[FUNCTIONS]; /* number of instructions of each function */

static bool is_close(action call) { return call == function_of("close"); }

/* Fails unless the description is that before the call or that after it. */
static void assert_either(const char *name, int step, const char *text, const char *before,
                          const char *after) {
    if (strcmp(text, before) != 0 && strcmp(text, after) != 0)
        fail_msg("%s, killed after %d instructions, leaves:\n%s\nbefore:\n%s\nafter:\n%s", name,
                 step, text, before, after);
}

static void describe_copy(int fd, int copy, char text[TEXT]) {
    copy_image(fd, copy);
    struct mallow_shared *heap = open_image(copy, 0);
    describe(heap, text);
    if (random_below(&steps_random, 8) == 0) exercise(heap);
    assert_ok(mallow_shared_close(heap));
}

/* ---- tests ---- */

static int prepared; /* a closed image */

static int set_up(void **state) {
    (void)state;
    prepared = new_image();
    struct mallow_shared *heap = open_image(prepared, 0);
    prepare(heap);
    assert_ok(mallow_shared_close(heap));
    return 0;
}

/* Describes the image after the call. */
static void describe_after(action call, char text[TEXT]) {
    int fd = new_image(), copy = new_image();
    copy_image(prepared, fd);
    struct mallow_shared *heap = open_image(fd, 0);
    prepare_call(heap);
    call(heap);
    describe_copy(fd, copy, text);
    if (!is_close(call)) assert_ok(mallow_shared_close(heap));
    close(fd);
    close(copy);
}

/* All processes are killed after each instruction. Returns the number of instructions. */
static int kill_all_at_each(const char *name, action call) {
    static char before[TEXT], after[TEXT], text[TEXT];
    int fd = new_image(), copy = new_image(), steps = 0;
    describe_copy(prepared, copy, before);
    describe_after(call, after);
    copy_image(prepared, fd);
    struct mallow_shared *heap = open_image(fd, 0);
    pid_t victim = start_victim(heap, -1, call);
    if (is_close(call)) assert_ok(mallow_shared_close(heap)); /* the victim's is the last */
    size_t stride = is_complete ? 1 : 5;
    for (bool runs = true; runs; steps++) {
        runs = step_victim(victim);
        assert_true(steps < STEPS_MAX);
        if (steps == 2000 && !is_complete) stride = 50;
        if (runs && random_below(&steps_random, stride) != 0) continue;
        describe_copy(fd, copy, text);
        assert_either(name, steps, text, before, after);
    }
    assert_string_equal(text, after);
    kill_victim(victim);
    if (!is_close(call)) assert_ok(mallow_shared_close(heap));
    close(fd);
    close(copy);
    return steps;
}

static void all_killed(void **state) {
    (void)state;
    for (int i = 0; i < FUNCTIONS; i++) {
        int steps = kill_all_at_each(functions[i].name, functions[i].call);
        print_message("%s: %d instructions\n", functions[i].name, steps);
        instructions[i] = steps;
    }
}

static void *wait_for_lock(void *heap) {
    struct mallow_shared_statistics now;
    assert_ok(mallow_shared_measure(heap, &now));
    return NULL;
}

/* A victim is killed after `steps` instructions, while a thread of this process waits for the lock.
 * Adds 1 to *busy if the victim had the lock. */
static void kill_one_at(const char *name, action call, int steps, int *busy, const char *before,
                        const char *after) {
    static char text[TEXT];
    int fd = new_image();
    copy_image(prepared, fd);
    struct mallow_shared *heap = open_image(fd, 0), *patient = open_image(fd, 1);
    pid_t victim = start_victim(heap, -1, call);
    bool runs = true;
    for (int i = 0; i < steps && runs; i++) runs = step_victim(victim);
    struct mallow_shared_statistics now;
    enum mallow_result result = mallow_shared_measure(patient, &now);
    if (result == MALLOW_BUSY) {
        assert_int_equal(errno, ETIMEDOUT);
        ++*busy;
    } else {
        assert_ok(result);
    }
    pthread_t waiter;
    assert_int_equal(pthread_create(&waiter, NULL, wait_for_lock, heap), 0);
    kill_victim(victim);
    pthread_join(waiter, NULL);
    describe(heap, text);
    assert_either(name, steps, text, before, after);
    exercise(heap);
    assert_ok(mallow_shared_close(patient));
    assert_ok(mallow_shared_close(heap));
    close(fd);
}

static void one_killed(void **state) {
    (void)state;
    int all_busy = 0;
    for (int i = 0; i < FUNCTIONS; i++) {
        static char before[TEXT], after[TEXT];
        int copy = new_image(), busy = 0, kills = is_complete ? 100 : 5;
        describe_copy(prepared, copy, before);
        describe_after(functions[i].call, after);
        close(copy);
        for (int kill = 0; kill < kills; kill++) {
            int step = (int)random_below(&steps_random, (size_t)instructions[i]);
            kill_one_at(functions[i].name, functions[i].call, step, &busy, before, after);
        }
        print_message("%s: %d kills, %d of them with the lock\n", functions[i].name, kills, busy);
        all_busy += busy;
    }
    assert_true(all_busy > 0);
}

/* ---- signals ---- */

static struct mallow_shared *handler_heap;

/* Either the interrupted function does not have the lock, or the call is refused. */
static void handle_signal(int number) {
    (void)number;
    mallow_shared_handle handle = 0;
    enum mallow_result result = mallow_shared_alloc(handler_heap, 64, &handle);
    if (result == MALLOW_OK) result = mallow_shared_free(handler_heap, handle);
    if (result != MALLOW_OK && !(result == MALLOW_BUSY && errno == EDEADLK)) _exit(1);
    raise(SIGSTOP);
}

/* Runs the handler now, and returns when the victim is back at the interrupted instruction. Returns
 * false if the victim has finished the call. */
static bool interrupt_victim(pid_t victim) {
    struct user_regs_struct before, now;
    int status;
    assert_int_equal(ptrace(PTRACE_GETREGS, victim, NULL, &before), 0);
    assert_int_equal(ptrace(PTRACE_CONT, victim, NULL, SIGUSR2), 0);
    assert_int_equal(waitpid(victim, &status, 0), victim);
    if (WIFSTOPPED(status) && WSTOPSIG(status) == DONE) return false;
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    do {
        assert_true(step_victim(victim));
        assert_int_equal(ptrace(PTRACE_GETREGS, victim, NULL, &now), 0);
    } while (now.rip != before.rip || now.rsp != before.rsp);
    return true;
}

/* A signal handler that uses the heap interrupts each instruction. */
static void interrupted(void **state) {
    (void)state;
    const action calls[] = {function_of("resize_in that moves"), function_of("free"),
                            function_of("set_name"), function_of("alloc_into")};
    static char after[TEXT], text[TEXT];
    for (int i = 0; i < 4; i++) {
        int fd = new_image(), copy = new_image(), signals = 0;
        describe_after(calls[i], after);
        copy_image(prepared, fd);
        struct mallow_shared *heap = open_image(fd, 0);
        handler_heap = heap;
        signal(SIGUSR2, handle_signal);
        pid_t victim = start_victim(heap, -1, calls[i]);
        while (step_victim(victim))
            if (is_complete || random_below(&steps_random, 5) == 0) {
                if (!interrupt_victim(victim)) break;
                signals++;
            }
        describe_copy(fd, copy, text);
        assert_string_equal(text, after);
        print_message("%d signals\n", signals);
        kill_victim(victim);
        assert_ok(mallow_shared_close(heap));
        close(fd);
        close(copy);
    }
}

/* ---- opening ---- */

/* A process is killed while it creates an image, opens one, or opens one that it has to repair. */
static void open_at_each(const char *name, int image, const char *before, const char *after) {
    static char text[TEXT];
    int fd = new_image(), copy = new_image(), steps = 0, images = 0;
    copy_image(image, fd);
    pid_t victim = start_victim(NULL, fd, NULL);
    for (bool runs = true; runs; steps++) {
        runs = step_victim(victim);
        assert_true(steps < STEPS_MAX);
        if (runs && random_below(&steps_random, is_complete ? 2 : 100) != 0) continue;
        describe_copy(fd, copy, text);
        assert_either(name, steps, text, before, after);
        images++;
    }
    print_message("%s: %d of %d instructions\n", name, images, steps);
    kill_victim(victim);
    close(fd);
    close(copy);
}

static void killed_while_opening(void **state) {
    (void)state;
    static char before[TEXT], after[TEXT];
    int image = new_image(), copy = new_image();
    describe_copy(image, copy, before);
    open_at_each("creation", image, before, before);
    describe_copy(prepared, copy, before);
    open_at_each("opening", prepared, before, before);

    const char *names[] = {"resize_in that moves", "find_or_alloc", "free_from"};
    action call = function_of(names[random_below(&steps_random, 3)]);
    describe_after(call, after);
    copy_image(prepared, image);
    struct mallow_shared *heap = open_image(image, 0);
    pid_t victim = start_victim(heap, -1, call);
    int steps = 200 + (int)random_below(&steps_random, 400);
    for (bool runs = true; runs && steps > 0; steps--) runs = step_victim(victim);
    copy_image(image, copy);
    kill_victim(victim);
    assert_ok(mallow_shared_close(heap));
    open_at_each("opening with repair", copy, before, after);
    close(image);
    close(copy);
}

int main(int argc, char **argv) {
#if defined(__x86_64__)
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_killed),
        cmocka_unit_test(one_killed),
        cmocka_unit_test(interrupted),
        cmocka_unit_test(killed_while_opening),
    };
    steps_random = argc > 1 ? strtoul(argv[1], NULL, 10) : (unsigned long)getpid();
    is_complete = argc > 2;
    alarm(HANGING_SECONDS);
    printf("seed %llu\n", (unsigned long long)steps_random);
    return cmocka_run_group_tests(tests, set_up, NULL);
#else
    (void)argc, (void)argv;
    return 77;
#endif
}
