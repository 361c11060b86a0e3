#include "proc/proc.h"

#include <stdlib.h>
#include <string.h>

struct proc_path proc_path(pid_t process, const char *name) {
    struct proc_path path;
    snprintf(path.text, sizeof path.text, "/proc/%d/%s", (int)process, name);
    return path;
}

FILE *proc_open(pid_t process, const char *name) {
    return fopen(proc_path(process, name).text, "re");
}

bool proc_find_line(FILE *file, const char *field, char line[static PROC_LINE_SIZE]) {
    bool found = false;
    while (file != NULL && !found && fgets(line, PROC_LINE_SIZE, file) != NULL)
        found = strncmp(line, field, strlen(field)) == 0;
    if (file != NULL) fclose(file);
    line[found ? strcspn(line, "\n") : 0] = '\0';
    return found;
}

bool proc_status_line(pid_t process, const char *field, char line[static PROC_LINE_SIZE]) {
    return proc_find_line(proc_open(process, "status"), field, line);
}

long proc_status_number(pid_t process, const char *field) {
    char line[PROC_LINE_SIZE];
    char *last = proc_status_line(process, field, line) ? strrchr(line, '\t') : NULL;
    return last != NULL ? strtol(last, NULL, 10) : -1;
}

/* The second field is the name, which can contain anything. */
uint64_t proc_stat_number(pid_t process, int field) {
    enum { FIELD_AFTER_NAME = 3 };
    char line[2048];
    FILE *file = proc_open(process, "stat");
    if (file == NULL) return 0;
    size_t length = fread(line, 1, sizeof line - 1, file);
    fclose(file);
    line[length] = '\0';
    const char *at = strrchr(line, ')');
    for (int i = FIELD_AFTER_NAME; at != NULL && i <= field; i++) at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}
