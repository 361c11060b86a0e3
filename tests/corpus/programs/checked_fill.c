/* cause: heap overflow | modes: full guard | variants: read pread recv recvfrom fread fgets */
#define _GNU_SOURCE
#include <fcntl.h>
#include <sys/socket.h>

#include "checked.h"

/* The input is longer than the block. */
int main(int argc, char **argv) {
    (void)argc;
    name = argv[1];
    blocks_make();
    size_t n = EITHER(SIZE + 1, SIZE);
    int end[2];
    if (socketpair(AF_UNIX, SOCK_DGRAM, 0, end) != 0) return 1;
    if (send(end[0], text, sizeof text, 0) < 0) return 1;
    int file = open("/proc/self/exe", O_RDONLY);
    FILE *stream = fmemopen(text, sizeof text, "r");
    IF(read) if (read(file, p, n) < 0) return 1;                          /* BUG:read */
    IF(pread) if (pread(file, p, n, 16) < 0) return 1;                    /* BUG:pread */
    IF(recv) if (recv(end[1], p, n, 0) < 0) return 1;                     /* BUG:recv */
    IF(recvfrom) if (recvfrom(end[1], p, n, 0, NULL, NULL) < 0) return 1; /* BUG:recvfrom */
    IF(fread) if (fread(p, 1, n, stream) != n) return 1;                  /* BUG:fread */
    IF(fgets) if (fgets(p, (int)n, stream) == NULL) return 1;             /* BUG:fgets */
    fclose(stream);
    blocks_free();
    return 0;
}
