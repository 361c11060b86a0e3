#include "proc/amount.h"

#include <stdio.h>
#include <unistd.h>

#include "common/command.h"
#include "proc/proc.h"

struct amount amount_of(unsigned long long bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB"};
    struct amount amount;
    double value = (double)bytes / 1024;
    size_t unit = 0;
    if (bytes < 1024) {
        snprintf(amount.text, sizeof amount.text, "%llu byte%s", bytes, plural(bytes));
        return amount;
    }
    while (value >= 1023.95 && unit + 1 < sizeof units / sizeof units[0]) value /= 1024, unit++;
    snprintf(amount.text, sizeof amount.text, "%.1f %s", value, units[unit]);
    return amount;
}

unsigned long long resident_bytes(pid_t process) {
    unsigned long long pages = 0;
    FILE *statm = proc_open(process, "statm");
    if (statm == NULL) return 0;
    if (fscanf(statm, "%*u %llu", &pages) != 1) pages = 0;
    fclose(statm);
    return pages * (unsigned long long)sysconf(_SC_PAGESIZE);
}
