/* Handles requests whose size the client chooses, with scratch memory in place of alloca. Small
 * requests cost a few instructions, a request of 100 MiB works although the stack is smaller, and a
 * size that no memory can satisfy is an error that the handler reports.
 *
 *     $ scratch_request
 *     a request of 11 bytes: DLROW OLLEH
 *     a request of 104857600 bytes: AAAAAAAAAAA...
 *     a request of 9223372036854775807 bytes: refused: <text>
 */
#include <ctype.h>
#include <mallow/scratch.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

/* Answers with the reversed request in capital letters. The memory is freed when the function
 * returns, on every path. */
static void handle(const char *request, size_t bytes) {
    MALLOW_SCRATCH(scratch);
    printf("a request of %zu bytes: ", bytes);
    char *answer = mallow_scratch_alloc(&scratch, bytes);
    if (answer == NULL) {
        printf("refused: %s\n", mallow_error_text(mallow_last_error().result));
        return;
    }
    for (size_t i = 0; i < bytes; i++)
        answer[i] = (char)toupper((unsigned char)request[bytes - 1 - i]);
    printf("%.11s%s\n", answer, bytes > 11 ? "..." : "");
}

int main(void) {
    enum { LARGE = 100 << 20 };
    MALLOW_SCRATCH(scratch);
    char *large = mallow_scratch_alloc(&scratch, LARGE);
    if (large == NULL) return 1;
    memset(large, 'a', LARGE);

    handle("hello world", 11);
    handle(large, LARGE);
    handle(large, SIZE_MAX / 2); /* the size is checked before the request is read */
}
