/* When the kernel refuses getrandom, addresses are still random: no two runs have the same. */
#include "check.h"
#include "rerun.h"
#include "seccomp.h"

#include <errno.h>
#include <sys/syscall.h>

enum { RUNS = 60 };

int main(int argc, char **argv) {
    (void)argv;
    static void *addresses[RUNS];
    if (argc > 1) {
        void *address = malloc(100);
        write_result(&address, sizeof address);
        return 0;
    }
    if (!filter_call(SYS_getrandom, SECCOMP_RET_ERRNO | ENOSYS)) skip("no filters of system calls");
    for (int i = 0; i < RUNS; i++) {
        run_again(NULL, NULL, &addresses[i], sizeof addresses[i]);
        for (int j = 0; j < i; j++) CHECK(addresses[j] != addresses[i]);
    }
}
