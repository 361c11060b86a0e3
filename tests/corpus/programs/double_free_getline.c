/* cause: double free | modes: default full hard guard */
#include "corpus.h"

#include <stdio.h>

int main(void) {
    char *line = NULL;
    size_t size = 0;
    FILE *file = fopen("/proc/self/status", "r");
    if (file == NULL || getline(&line, &size, file) < 0) return 1;
    fclose(file);
    free(line);         /* FREED */
    MISUSE(free(line)); /* BUG */
    return 0;
}
