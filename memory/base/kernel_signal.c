#include "base/kernel_signal.h"

#include <sys/syscall.h>
#include <unistd.h>

bool kernel_signal_action(int signal, const struct sigaction *action, struct sigaction *before) {
    return sigaction(signal, action, before) == 0;
}

void kernel_signal_again(int signal, const siginfo_t *info) {
    siginfo_t copy = *info;
    syscall(SYS_rt_tgsigqueueinfo, getpid(), syscall(SYS_gettid), signal, &copy);
}
