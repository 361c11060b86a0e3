/* The page of a report, which is a part of the command, with the data in it. */
#include <err.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "html/report.h"

/* Where the data goes. */
static const char REPORT_PAGE_MARK[] = "@MALLOW_DATA@";

__asm__(
    ".pushsection .rodata\n"
    "report_page_begin:\n"
    ".incbin \"" MALLOW_REPORT_PAGE
    "\"\n"
    "report_page_end:\n"
    ".popsection\n");
extern const char report_page_begin[], report_page_end[];

/* ---- compression ---- */

#define GZIP_WINDOW (15 + 16) /* the largest window, in the format of gzip */

/* Returns the compressed bytes, which the caller frees. */
static unsigned char *report_page_compress(const char *bytes, size_t count, size_t *compressed) {
    z_stream stream = {.next_in = (unsigned char *)bytes};
    if (deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW, MAX_MEM_LEVEL,
                     Z_DEFAULT_STRATEGY) != Z_OK)
        errx(EXIT_OWN_FAILURE, "cannot compress the data");
    size_t room = compressBound(count) + 64; /* and the header of gzip */
    unsigned char *out = xnonnull(malloc(room));
    int status = Z_OK;
    for (*compressed = 0; status == Z_OK;) {
        size_t piece = count < UINT32_MAX ? count : UINT32_MAX;
        size_t space = room - *compressed < UINT32_MAX ? room - *compressed : UINT32_MAX;
        stream.avail_in = (uInt)piece;
        stream.next_out = out + *compressed;
        stream.avail_out = (uInt)space;
        status = deflate(&stream, piece == count ? Z_FINISH : Z_NO_FLUSH);
        count -= piece - stream.avail_in;
        *compressed += space - stream.avail_out;
    }
    if (status != Z_STREAM_END) errx(EXIT_OWN_FAILURE, "cannot compress the data");
    deflateEnd(&stream);
    return out;
}

static void report_page_write_base64(FILE *to, const unsigned char *bytes, size_t count) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < count; i += 3) {
        size_t left = count - i;
        uint32_t word = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                        (left > 2 ? bytes[i + 2] : 0);
        putc_unlocked(digits[word >> 18], to);
        putc_unlocked(digits[word >> 12 & 63], to);
        putc_unlocked(left > 1 ? digits[word >> 6 & 63] : '=', to);
        putc_unlocked(left > 2 ? digits[word & 63] : '=', to);
    }
}

void report_page_write(FILE *to, const char *data, size_t count) {
    size_t page_bytes = (size_t)(report_page_end - report_page_begin), compressed_bytes;
    const char *mark =
        memmem(report_page_begin, page_bytes, REPORT_PAGE_MARK, sizeof REPORT_PAGE_MARK - 1);
    if (mark == NULL) errx(EXIT_OWN_FAILURE, "the page has no place for the data");
    const char *rest = mark + sizeof REPORT_PAGE_MARK - 1;
    unsigned char *compressed = report_page_compress(data, count, &compressed_bytes);
    fwrite(report_page_begin, 1, (size_t)(mark - report_page_begin), to);
    report_page_write_base64(to, compressed, compressed_bytes);
    fwrite(rest, 1, (size_t)(report_page_end - rest), to);
    free(compressed);
}
