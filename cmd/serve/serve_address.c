/* Addresses: where the server listens, and who is on this machine. */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "common/arguments.h"
#include "common/command.h"
#include "common/xalloc.h"
#include "serve.h"

/* ---- this machine ---- */

static bool serve_address_is_loopback_4(uint32_t address) { return ntohl(address) >> 24 == 127; }

static bool serve_address_is_loopback_6(const struct in6_addr *address) {
    uint32_t last;
    memcpy(&last, address->s6_addr + 12, sizeof last);
    return IN6_IS_ADDR_LOOPBACK(address) ||
           (IN6_IS_ADDR_V4MAPPED(address) && serve_address_is_loopback_4(last));
}

bool serve_address_is_local(const struct sockaddr *address) {
    if (address->sa_family == AF_INET)
        return serve_address_is_loopback_4(
            ((const struct sockaddr_in *)(const void *)address)->sin_addr.s_addr);
    return address->sa_family == AF_INET6 &&
           serve_address_is_loopback_6(
               &((const struct sockaddr_in6 *)(const void *)address)->sin6_addr);
}

/* Returns the host without its port and brackets, or NULL if it has another form. The caller frees
 * it. */
static char *serve_address_host(const char *text, const char **port) {
    bool has_bracket = *text == '[';
    const char *end = has_bracket ? strchr(text, ']') : text + strcspn(text, ":");
    if (end == NULL) return NULL;
    const char *rest = has_bracket ? end + 1 : end;
    if (*rest != ':' && *rest != '\0') return NULL;
    *port = *rest == ':' ? rest + 1 : NULL;
    return xstrndup(text + has_bracket, (size_t)(end - text) - has_bracket);
}

static bool serve_address_is_local_host(const char *host) {
    struct in_addr four;
    struct in6_addr six;
    if (inet_pton(AF_INET, host, &four) == 1) return serve_address_is_loopback_4(four.s_addr);
    if (inet_pton(AF_INET6, host, &six) == 1) return serve_address_is_loopback_6(&six);
    return strcasecmp(host, "localhost") == 0 || strcasecmp(host, "localhost.") == 0;
}

bool serve_address_is_local_name(const char *host) {
    const char *port;
    char *name = serve_address_host(host, &port);
    bool is_local = name != NULL && serve_address_is_local_host(name);
    free(name);
    return is_local;
}

/* ---- listening ---- */

void serve_address_set(const char *text) {
    struct addrinfo hints = {.ai_family = AF_UNSPEC,
                             .ai_socktype = SOCK_STREAM,
                             .ai_flags = AI_PASSIVE | AI_NUMERICSERV};
    struct addrinfo *found;
    const char *port;
    char *host = serve_address_host(text, &port);
    if (host == NULL || *host == '\0' || port == NULL)
        usage_error("--listen='%s' is not ADDRESS:PORT", text);
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) usage_error("--listen='%s': %s", text, gai_strerror(error));
    memcpy(&serve_settings.address, found->ai_addr, found->ai_addrlen);
    serve_settings.address_bytes = found->ai_addrlen;
    serve_settings.is_loopback = serve_address_is_local(found->ai_addr);
    freeaddrinfo(found);
    free(host);
}

int serve_address_listen(void) {
    struct sockaddr *address = (struct sockaddr *)&serve_settings.address;
    int on = 1, fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) err(EXIT_OWN_FAILURE, "cannot create a socket");
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    char *text = serve_address_text();
    if (bind(fd, address, serve_settings.address_bytes) != 0 || listen(fd, SOMAXCONN) != 0)
        err(EXIT_OWN_FAILURE, "cannot listen on %s", text);
    free(text);
    getsockname(fd, address, &serve_settings.address_bytes); /* the port, if it was 0 */
    return fd;
}

char *serve_address_text(void) {
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const struct sockaddr *address = (const struct sockaddr *)&serve_settings.address;
    if (getnameinfo(address, serve_settings.address_bytes, host, sizeof host, port, sizeof port,
                    NI_NUMERICHOST | NI_NUMERICSERV) != 0)
        return xstrdup("?");
    return xasprintf(address->sa_family == AF_INET6 ? "[%s]:%s" : "%s:%s", host, port);
}
