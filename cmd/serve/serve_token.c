/* Tokens: secrets of clients, which are not passed as arguments, because every user can see those.
 */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/command.h"
#include "common/xalloc.h"
#include "serve.h"

#define SERVE_TOKEN_MIN 16
#define SERVE_TOKEN_MAX 4096

/* Ends the command unless the token can be the value of a header, and cannot be guessed. */
static char *serve_token_check(const char *text, const char *source) {
    size_t length = strcspn(text, "\r\n");
    if (text[length + strspn(text + length, "\r\n")] != '\0')
        errx(EXIT_OWN_FAILURE, "%s has more than one line", source);
    if (length < SERVE_TOKEN_MIN)
        errx(EXIT_OWN_FAILURE, "the token in %s is shorter than %d characters", source,
             SERVE_TOKEN_MIN);
    for (size_t i = 0; i < length; i++)
        if (text[i] <= ' ' || text[i] > '~')
            errx(EXIT_OWN_FAILURE, "the token in %s has other characters than visible ASCII",
                 source);
    return xstrndup(text, length);
}

static char *serve_token_read_file(const char *file) {
    char text[SERVE_TOKEN_MAX + 1];
    struct stat status;
    int fd = open(file, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0 || fstat(fd, &status) != 0) err(EXIT_OWN_FAILURE, "%s", file);
    if (S_ISREG(status.st_mode) && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
        errx(EXIT_OWN_FAILURE, "%s holds a token, but every user can access it: try 'chmod 600 %s'",
             file, file);
    ssize_t count = read(fd, text, sizeof text - 1);
    if (count < 0) err(EXIT_OWN_FAILURE, "%s", file);
    close(fd);
    text[count] = '\0';
    return serve_token_check(text, file);
}

char *serve_token_read(const char *file, const char *variable) {
    if (file != NULL) return serve_token_read_file(file);
    const char *value = getenv(variable);
    char *token = value == NULL ? NULL : serve_token_check(value, variable);
    unsetenv(variable);
    return token;
}

/* Takes the same time for each text of a length, so that the time does not tell how much of a guess
 * is right. */
static bool serve_token_is_equal(const char *guess, const char *token) {
    size_t length = strlen(token), guessed = strlen(guess);
    volatile unsigned char difference = guessed != length;
    for (size_t i = 0; i < guessed; i++)
        difference = (unsigned char)(difference | (guess[i] ^ token[i % length]));
    return difference == 0;
}

bool serve_token_is_valid(const char *header) {
    static const char scheme[] = "Bearer ";
    if (header == NULL || strncasecmp(header, scheme, strlen(scheme)) != 0) return false;
    header += strlen(scheme);
    return serve_token_is_equal(header + strspn(header, " "), serve_settings.token);
}
