/* If a report does not end the program, libc's function still does its work. */
#include <errno.h>
#include <malloc.h>
#include <string.h>

#include "check.h"

int main(void) {
    static char room[200];
    int ends[2];
    char report[32000];

    mallopt(M_CHECK_ACTION, 1);
    CHECK(pipe(ends) == 0 && dup2(ends[1], STDERR_FILENO) == STDERR_FILENO);
    char *block = malloc(64), *neighbour = malloc(64);
    memset(block, 'a', 64);
    memset(neighbour, 'b', 64);
    errno = 4711;
    CHECK(memcpy(room, block, 65) == room);
    CHECK(memcmp(room, block, 64) == 0);
    CHECK_EQUAL(errno, 4711);
    CHECK_EQUAL(strlen(block), 64); /* limited to the block */
    ssize_t length = read(ends[0], report, sizeof report - 1);
    CHECK(length > 0);
    report[length] = '\0';
    CHECK(strstr(report, ", memcpy: read of 65 bytes at offset 0 of a block of 64 bytes") != NULL);
    CHECK(strstr(report, ", strlen: ") != NULL);
    CHECK(strstr(report, "memcmp") == NULL);
}
