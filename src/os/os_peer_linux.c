/* Implements os_peer.h on Linux, by the rules for PTRACE_MODE_READ in ptrace(2). It makes system
 * calls by number, because programs replace libc's functions. */
#include "os/os_peer.h"

#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/compiler.h"
#include "os/os.h"
#include "os/os_call.h"

#define OVERFLOW_USER 65534u /* the kernel's default */

/* ---- files of /proc ---- */

struct os_peer_path {
    char text[48];
    size_t length;
};

static void os_peer_path_add(struct os_peer_path *path, const char *part) {
    size_t length = strlen(part);
    memcpy(path->text + path->length, part, length + 1);
    path->length += length;
}

/* Returns the path /proc/PID/NAME; PID 0 means this process. */
static struct os_peer_path os_peer_path(unsigned process, const char *name) {
    struct os_peer_path path = {.length = 0};
    char digits[12], *first = digits + sizeof digits - 1;
    *first = '\0';
    for (unsigned rest = process; rest != 0; rest /= 10) *--first = (char)('0' + rest % 10);
    os_peer_path_add(&path, "/proc/");
    os_peer_path_add(&path, process == 0 ? "self" : first);
    os_peer_path_add(&path, "/");
    os_peer_path_add(&path, name);
    return path;
}

static uint64_t os_peer_number(const char *digits, unsigned base) {
    uint64_t number = 0;
    for (;; digits++) {
        unsigned digit = *digits >= '0' && *digits <= '9'   ? (unsigned)(*digits - '0')
                         : *digits >= 'a' && *digits <= 'f' ? (unsigned)(*digits - 'a') + 10
                                                            : base;
        if (digit >= base) return number;
        number = number * base + digit;
    }
}

static unsigned os_peer_overflow_user(void) {
    char digits[16];
    long length = os_read_file("/proc/sys/kernel/overflowuid", digits, sizeof digits - 1);
    if (length <= 0) return OVERFLOW_USER;
    digits[length] = '\0';
    return (unsigned)os_peer_number(digits, 10);
}

/* Returns true if each ID of the system has an ID in this process's user namespace, as in the
 * initial one: the map has one line, "0 0 4294967295". */
static bool os_peer_maps_all(const char *name) {
    static const uint64_t expected[] = {0, 0, UINT32_MAX};
    char text[64], *at = text;
    long length = os_read_file(os_peer_path(0, name).text, text, sizeof text - 1);
    text[length > 0 ? length : 0] = '\0';
    for (unsigned i = 0; i < 3; i++) {
        while (*at == ' ') at++;
        if (os_peer_number(at, 10) != expected[i]) return false;
        while (*at >= '0' && *at <= '9') at++;
    }
    return true;
}

/* The kernel shows a user without an ID in this namespace as the overflow user. The user "nobody"
 * has the same ID. */
static bool os_peer_is_known(const struct ucred *peer) {
    return peer->uid != os_peer_overflow_user() ||
           (os_peer_maps_all("uid_map") && os_peer_maps_all("gid_map"));
}

/* If /proc belongs to another PID namespace, its numbers refer to other processes. */
static bool os_peer_proc_is_ours(void) {
    char target[16];
    long length = call_errno(SYS_readlinkat, -1, "/proc/self", target, sizeof target - 1);
    if (length <= 0) return false;
    target[length] = '\0';
    return os_peer_number(target, 10) == (uint64_t)os_process_id();
}

/* ---- rights of a process ---- */

enum os_peer_answer { UNKNOWN, NO, YES };

struct os_peer_capabilities {
    bool known;
    uint64_t permitted, effective;
};

static uint64_t os_peer_mask(const char *status, const char *name) {
    const char *at = strstr(status, name);
    return at == NULL ? 0 : os_peer_number(at + strlen(name), 16);
}

static struct os_peer_capabilities os_peer_capabilities(unsigned process) {
    static UNTOUCHED char status[4096];
    struct os_peer_path path = os_peer_path(process, "status");
    long length = os_read_file(path.text, status, sizeof status - 1);
    if (length <= 0) return (struct os_peer_capabilities){.known = false};
    status[length] = '\0';
    return (struct os_peer_capabilities){true, os_peer_mask(status, "\nCapPrm:\t"),
                                         os_peer_mask(status, "\nCapEff:\t")};
}

static enum os_peer_answer os_peer_has_our_namespace(unsigned process) {
    struct os_file ours, theirs;
    if (!os_find_file(os_peer_path(0, "ns/user").text, &ours)) return UNKNOWN;
    os_close(ours.fd);
    if (!os_find_file(os_peer_path(process, "ns/user").text, &theirs)) return UNKNOWN;
    os_close(theirs.fd);
    return os_is_same_file(&ours, &theirs) ? YES : NO;
}

static bool os_peer_has_all_ids(const struct ucred *peer) {
    unsigned users[3], groups[3];
    call_errno(SYS_getresuid, &users[0], &users[1], &users[2]);
    call_errno(SYS_getresgid, &groups[0], &groups[1], &groups[2]);
    for (int i = 0; i < 3; i++)
        if (users[i] != peer->uid || groups[i] != peer->gid) return false;
    return true;
}

static bool os_peer_we_are_dumpable(void) {
    return call_errno(SYS_prctl, PR_GET_DUMPABLE, 0l, 0l, 0l, 0l) == 1;
}

/* Only the capabilities of root count, not those of other users. */
static bool os_peer_traces_as_root(const struct ucred *peer,
                                   const struct os_peer_capabilities *theirs) {
    return peer->uid == 0 && (!theirs->known || (theirs->effective >> CAP_SYS_PTRACE & 1) != 0);
}

static bool os_peer_has_our_rights(const struct ucred *peer,
                                   const struct os_peer_capabilities *theirs) {
    struct os_peer_capabilities ours = os_peer_capabilities(0);
    return os_peer_has_all_ids(peer) && os_peer_we_are_dumpable() && theirs->known && ours.known &&
           (ours.permitted & ~theirs->permitted) == 0;
}

bool os_peer_may_read(int socket) {
    struct ucred peer = {0};
    socklen_t length = sizeof peer;
    if (call_errno(SYS_getsockopt, socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) != 0 ||
        !os_peer_is_known(&peer))
        return false;
    struct os_peer_capabilities theirs = {.known = false};
    enum os_peer_answer same_namespace = UNKNOWN;
    if (peer.pid > 0 && os_peer_proc_is_ours()) {
        theirs = os_peer_capabilities((unsigned)peer.pid);
        same_namespace = os_peer_has_our_namespace((unsigned)peer.pid);
    }
    if (os_peer_traces_as_root(&peer, &theirs)) return same_namespace != NO;
    return os_peer_has_our_rights(&peer, &theirs) && same_namespace == YES;
}
