/* The control thread limits the time that it waits for a client, for each step and for the whole
 * answer. */
#include "unit.h"

#include <string.h>

#include "os/os_peer.h"
#include "os/os_service.h"
#include "process/print.h"
#include "process/control_request.h"

#define SECOND 1000000000ll
#define LINE "<a line of an answer/>\n"

/* The clock advances only by the time that the client takes for each piece of the answer. */
static struct {
    int64_t now, per_piece;
    size_t lines, sent;
    char head[4];
} client;

int64_t __wrap_os_coarse_ns(void);
int64_t __wrap_os_coarse_ns(void) { return client.now; }

bool __wrap_os_peer_may_read(int socket);
bool __wrap_os_peer_may_read(int socket) {
    (void)socket;
    return true;
}

size_t __wrap_os_receive(int fd, char *buffer, size_t bytes, int64_t deadline);
size_t __wrap_os_receive(int fd, char *buffer, size_t bytes, int64_t deadline) {
    (void)fd;
    assert_true(bytes >= 5 && deadline > client.now && deadline <= client.now + 10 * SECOND);
    memcpy(buffer, "info\n", 5);
    return 5;
}

bool __wrap_os_send(int fd, const char *bytes, size_t count, int passed, int64_t deadline);
bool __wrap_os_send(int fd, const char *bytes, size_t count, int passed, int64_t deadline) {
    (void)fd;
    (void)passed;
    if (client.now + client.per_piece > deadline) return false;
    if (client.sent == 0 && count >= sizeof client.head)
        memcpy(client.head, bytes, sizeof client.head);
    client.now += client.per_piece;
    client.sent += count;
    return true;
}

void __wrap_print_info(struct text *t, const struct mallow_stats *s);
void __wrap_print_info(struct text *t, const struct mallow_stats *s) {
    (void)s;
    for (size_t i = 0; i < client.lines; i++) text_add(t, LINE);
}

/* Returns the number of lines that such a client gets after the first line of the answer. */
static size_t lines_for(int64_t per_piece, size_t lines) {
    memset(&client, 0, sizeof(client));
    client.now = SECOND;
    client.per_piece = per_piece;
    client.lines = lines;
    control_request_serve(-1);
    if (client.sent < 3) return 0;
    assert_memory_equal(client.head, "ok\n", 3);
    return (client.sent - 3) / strlen(LINE);
}

static void a_slow_client_gets_all(void **state) {
    (void)state;
    assert_int_equal(lines_for(0, 100), 100);
    assert_int_equal(lines_for(SECOND, 1000), 1000);
    assert_true(client.now > 15 * SECOND);
}

static void a_client_that_reads_nothing_is_abandoned(void **state) {
    (void)state;
    assert_int_equal(lines_for(10 * SECOND, 100), 0);
    assert_int_equal(client.now, SECOND);
}

static void no_client_is_served_forever(void **state) {
    (void)state;
    assert_true(lines_for(SECOND, 100000) < 100000);
    assert_true(client.now <= 100 * SECOND);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_slow_client_gets_all),
        cmocka_unit_test(a_client_that_reads_nothing_is_abandoned),
        cmocka_unit_test(no_client_is_served_forever),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
