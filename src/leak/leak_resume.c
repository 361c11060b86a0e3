#include "leak/leak_resume.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>

#include "os/os.h"

#ifndef SYS_clone3
#    define SYS_clone3 435
#endif

struct leak_path leak_thread_path(int thread, const char *name) {
    static const char before[] = "/proc/self/task/";
    struct leak_path path;
    char digits[12], *at = path.text + sizeof before - 1;
    unsigned n = 0;
    for (int left = thread; left != 0; left /= 10) digits[n++] = (char)('0' + left % 10);
    memcpy(path.text, before, sizeof before);
    while (n > 0) *at++ = digits[--n];
    *at++ = '/';
    memcpy(at, name, strlen(name) + 1);
    return path;
}

#define CALL_FIELDS 9u /* number, six arguments, stack pointer, program counter */

static uintptr_t leak_resume_take_field(const char **text) {
    uintptr_t value = 0;
    bool hexadecimal = strncmp(*text, "0x", 2) == 0;
    *text += hexadecimal ? 2 : 0;
    for (;; (*text)++) {
        char c = **text;
        if (c >= '0' && c <= '9')
            value = value * (hexadecimal ? 16 : 10) + (uintptr_t)(c - '0');
        else if (hexadecimal && c >= 'a' && c <= 'f')
            value = value * 16 + (uintptr_t)(c - 'a' + 10);
        else
            return value;
    }
}

struct leak_call leak_call_of(int thread) {
    char line[256];
    uintptr_t fields[CALL_FIELDS];
    struct leak_path path = leak_thread_path(thread, "syscall");
    long length = os_read_file(path.text, line, sizeof line - 1);
    line[length > 0 ? length : 0] = '\0';
    const char *at = line;
    for (unsigned i = 0; i < CALL_FIELDS; i++) {
        if (*at < '0' || *at > '9')
            return (struct leak_call){.known = false}; /* not in a system call */
        fields[i] = leak_resume_take_field(&at);
        at += *at == ' ';
    }
    return (struct leak_call){true, (long)fields[0], fields[7], fields[8]};
}

bool leak_call_is_fork(const struct leak_call *call) {
    static const long forks[] = {
#ifdef SYS_vfork
        SYS_vfork,
#endif
        SYS_clone, SYS_clone3};
    for (size_t i = 0; i < sizeof forks / sizeof *forks; i++)
        if (call->known && call->number == forks[i]) return true;
    return false;
}

#if defined(__x86_64__)

/* The calls that can be started again, and the time-outs for which a restart has the same effect as
 * continuing. The time that a call has already waited is not known here. */
static const struct resumable {
    short number;
    signed char limit; /* the register with the time-out, or -1 if any time-out is possible */
    enum { ANY_LIMIT, NO_TIME, NEGATIVE_TIME, TIME_LEFT } when;
    signed char left; /* the register with the address to which the kernel writes the time left */
} leak_resume_calls[] = {
    {SYS_pause, -1, ANY_LIMIT, -1},
    {SYS_rt_sigsuspend, -1, ANY_LIMIT, -1},
    {SYS_semop, -1, ANY_LIMIT, -1},
    {SYS_msgrcv, -1, ANY_LIMIT, -1},
    {SYS_msgsnd, -1, ANY_LIMIT, -1},
    /* For these, the kernel replaces the time-out by the time left. */
    {SYS_select, -1, ANY_LIMIT, -1},
    {SYS_pselect6, -1, ANY_LIMIT, -1},
    {SYS_ppoll, -1, ANY_LIMIT, -1},
    {SYS_poll, REG_RDX, NEGATIVE_TIME, -1},
    {SYS_epoll_wait, REG_R10, NEGATIVE_TIME, -1},
    {SYS_epoll_pwait, REG_R10, NEGATIVE_TIME, -1},
    {SYS_rt_sigtimedwait, REG_RDX, NO_TIME, -1},
    {SYS_semtimedop, REG_R10, NO_TIME, -1},
    {SYS_io_getevents, REG_R8, NO_TIME, -1},
    {SYS_nanosleep, REG_RDI, TIME_LEFT, REG_RSI},
    {SYS_clock_nanosleep, REG_RDX, TIME_LEFT, REG_R10},
};

static bool leak_resume_prepare(const struct resumable *call, greg_t *registers) {
    switch (call->when) {
    case NEGATIVE_TIME:
        return (int)registers[(int)call->limit] < 0;
    case NO_TIME:
        return registers[(int)call->limit] == 0;
    case TIME_LEFT: /* it is not written for an absolute time or if the program passed no address */
        if (registers[(int)call->left] != 0 &&
            (call->number == SYS_nanosleep || registers[REG_RSI] == 0))
            registers[(int)call->limit] = registers[(int)call->left];
        return true;
    case ANY_LIMIT:
        break;
    }
    return true;
}

static bool leak_resume_is_interrupted(const struct leak_call *call, const greg_t *registers) {
    static const unsigned char instruction[] = {0x0f, 0x05}; /* syscall */
    uintptr_t at = (uintptr_t)registers[REG_RIP];
    return call->known && registers[REG_RAX] == -EINTR && at == call->return_address &&
           (uintptr_t)registers[REG_RSP] == call->stack_pointer &&
           memcmp((const char *)at - sizeof instruction, instruction, sizeof instruction) == 0;
}

void leak_resume_call(const struct leak_call *call, void *context) {
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    if (!leak_resume_is_interrupted(call, registers)) return;
    for (size_t i = 0; i < sizeof leak_resume_calls / sizeof *leak_resume_calls; i++) {
        if (leak_resume_calls[i].number != call->number ||
            !leak_resume_prepare(&leak_resume_calls[i], registers))
            continue;
        registers[REG_RAX] = call->number;
        registers[REG_RIP] -= 2;
    }
}

#else /* the kernel overwrites an argument with the result, so calls cannot be started again */

void leak_resume_call(const struct leak_call *call, void *context) { (void)call, (void)context; }

#endif
