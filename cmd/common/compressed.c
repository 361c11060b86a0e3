#include "common/compressed.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "common/xalloc.h"

/* ---- zstd ---- */

struct compressed {
    FILE *file;
    ZSTD_DCtx *decompressor;
    ZSTD_inBuffer in;
    char bytes[65536];
};

static ssize_t compressed_read(void *context, char *to, size_t count) {
    struct compressed *file = context;
    ZSTD_outBuffer out = {.dst = to, .size = count};
    while (out.pos == 0) {
        if (file->in.pos == file->in.size) {
            file->in.pos = 0;
            file->in.size = fread(file->bytes, 1, sizeof file->bytes, file->file);
            if (file->in.size == 0) return ferror(file->file) ? -1 : 0;
        }
        if (!ZSTD_isError(ZSTD_decompressStream(file->decompressor, &out, &file->in))) continue;
        errno = EBADMSG;
        return -1;
    }
    return (ssize_t)out.pos;
}

static int compressed_close(void *context) {
    struct compressed *file = context;
    fclose(file->file);
    ZSTD_freeDCtx(file->decompressor);
    free(file);
    return 0;
}

static FILE *compressed_open_zstd(FILE *opened) {
    struct compressed *file = xcalloc(1, sizeof *file);
    file->file = opened;
    file->decompressor = xnonnull(ZSTD_createDCtx());
    file->in.src = file->bytes;
    return xnonnull(fopencookie(
        file, "r", (cookie_io_functions_t){.read = compressed_read, .close = compressed_close}));
}

/* ---- gzip, and files that are not compressed ---- */

static ssize_t compressed_read_gzip(void *context, char *to, size_t count) {
    int error, done = gzread(context, to, count > 65536 ? 65536 : (unsigned)count);
    gzerror(context, &error);
    if (done > 0 || error == Z_OK || error == Z_STREAM_END || error == Z_BUF_ERROR)
        return done < 0 ? 0 : done;
    if (error != Z_ERRNO) errno = EBADMSG;
    return -1;
}

static int compressed_close_gzip(void *context) {
    gzclose_r(context);
    return 0;
}

static FILE *compressed_open_gzip(FILE *opened) {
    int fd = fcntl(fileno(opened), F_DUPFD_CLOEXEC, 0);
    fclose(opened);
    if (fd < 0) return NULL;
    gzFile file = xnonnull(gzdopen(fd, "r"));
    return xnonnull(fopencookie(
        file, "r",
        (cookie_io_functions_t){.read = compressed_read_gzip, .close = compressed_close_gzip}));
}

FILE *compressed_open(const char *path) {
    uint8_t magic[4] = {0};
    FILE *file = fopen(path, "re");
    if (file == NULL) return NULL;
    size_t count = fread(magic, 1, sizeof magic, file);
    if (ferror(file) || fseek(file, 0, SEEK_SET) != 0 || fflush(file) != 0) {
        int error = errno;
        fclose(file);
        errno = error;
        return NULL;
    }
    bool is_zstd = count == sizeof magic && memcmp(magic, "\x28\xb5\x2f\xfd", sizeof magic) == 0;
    return is_zstd ? compressed_open_zstd(file) : compressed_open_gzip(file);
}
