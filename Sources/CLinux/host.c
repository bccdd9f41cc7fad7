#define _GNU_SOURCE
#include "host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <ifaddrs.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timex.h>
#include <time.h>
#include <unistd.h>

int outpost_clock_state(struct outpost_clock_state *out) {
    struct timex request;
    memset(&request, 0, sizeof request);
    int state = adjtimex(&request);
    if (state < 0) return errno;
    out->state = state;
    out->unsynchronized = (request.status & STA_UNSYNC) != 0;
    out->estimated_error_us = request.esterror;
    out->maximum_error_us = request.maxerror;
    return 0;
}

int outpost_interface_of_address(const char *text, char *name) {
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    char host[INET6_ADDRSTRLEN];
    const char *zone = strchr(text, '%');
    size_t count = zone == NULL ? strlen(text) : (size_t)(zone - text);
    if (count >= sizeof host) return EINVAL;
    memcpy(host, text, count);
    host[count] = 0;
    uint8_t bytes[16];
    const uint8_t *address = bytes;
    size_t length = 16;
    if (inet_pton(AF_INET, host, bytes) == 1) {
        length = 4;
    } else if (inet_pton(AF_INET6, host, bytes) != 1) {
        return EINVAL;
    } else if (memcmp(bytes, mapped, sizeof mapped) == 0) {
        address += 12;
        length = 4;
    }
    struct ifaddrs *list = NULL;
    if (getifaddrs(&list) != 0) return errno;
    int result = ENODEV;
    for (const struct ifaddrs *entry = list; entry != NULL; entry = entry->ifa_next) {
        if (entry->ifa_addr == NULL) continue;
        const void *own = NULL;
        if (length == 4 && entry->ifa_addr->sa_family == AF_INET) {
            own = &((const struct sockaddr_in *)(const void *)entry->ifa_addr)->sin_addr;
        } else if (length == 16 && entry->ifa_addr->sa_family == AF_INET6) {
            own = &((const struct sockaddr_in6 *)(const void *)entry->ifa_addr)->sin6_addr;
        }
        if (own == NULL || memcmp(own, address, length) != 0) continue;
        // The same link-local address may exist on several interfaces; the zone, a name or an index, selects one.
        if (zone != NULL && strcmp(zone + 1, entry->ifa_name) != 0 &&
            strtoul(zone + 1, NULL, 10) != if_nametoindex(entry->ifa_name)) {
            continue;
        }
        strncpy(name, entry->ifa_name, IFNAMSIZ - 1);
        name[IFNAMSIZ - 1] = 0;
        // An address label such as "eth0:1" is not a directory in /sys/class/net.
        char *colon = strchr(name, ':');
        if (colon != NULL) *colon = 0;
        result = 0;
        break;
    }
    freeifaddrs(list);
    return result;
}

int outpost_file_limit(uint64_t *soft, uint64_t *hard) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    *soft = limit.rlim_cur;
    *hard = limit.rlim_max;
    return 0;
}

int outpost_raise_file_limit(void) {
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return errno;
    limit.rlim_cur = limit.rlim_max;
    return setrlimit(RLIMIT_NOFILE, &limit) == 0 ? 0 : errno;
}

int outpost_terminal_columns(int descriptor) {
    struct winsize size;
    if (ioctl(descriptor, TIOCGWINSZ, &size) != 0) return 0;
    return size.ws_col;
}

uint64_t outpost_monotonic_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

int64_t outpost_realtime_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

// Binds to the loopback address and port 0, and leaves the address with its port in `out`.
static int bound_loopback(int family, int type, struct sockaddr_storage *out, socklen_t *length) {
    int descriptor = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (descriptor < 0) return -1;
    memset(out, 0, sizeof *out);
    out->ss_family = (sa_family_t)family;
    if (family == AF_INET) {
        ((struct sockaddr_in *)out)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        *length = sizeof(struct sockaddr_in);
    } else {
        ((struct sockaddr_in6 *)out)->sin6_addr = in6addr_loopback;
        *length = sizeof(struct sockaddr_in6);
    }
    if (bind(descriptor, (struct sockaddr *)out, *length) != 0 ||
        getsockname(descriptor, (struct sockaddr *)out, length) != 0) {
        int saved = errno;
        close(descriptor);
        errno = saved;
        return -1;
    }
    return descriptor;
}

static int socket_error(int descriptor) {
    int error = 0;
    socklen_t length = sizeof error;
    if (getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) != 0) return errno;
    return error;
}

// Waits for `events` or an error; 0 if one arrived.
static int await_socket(int descriptor, short events, int timeout_ms) {
    struct pollfd wait = {.fd = descriptor, .events = events, .revents = 0};
    int ready;
    do {
        ready = poll(&wait, 1, timeout_ms);
    } while (ready < 0 && errno == EINTR);
    if (ready < 0) return errno;
    return ready == 0 ? ETIMEDOUT : 0;
}

int outpost_probe_closed_udp(int family, int timeout_ms) {
    struct sockaddr_storage target;
    socklen_t length;
    // A port that was just ours and is closed again. Another process could listen there only by a rare race.
    int holder = bound_loopback(family, SOCK_DGRAM, &target, &length);
    if (holder < 0) return errno;
    int sender = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (sender < 0) {
        int saved = errno;
        close(holder);
        return saved;
    }
    close(holder);
    int result;
    if (connect(sender, (struct sockaddr *)&target, length) != 0 || send(sender, "?", 1, MSG_NOSIGNAL) < 0) {
        result = errno;
    } else {
        result = await_socket(sender, POLLIN, timeout_ms);
        if (result == 0) result = socket_error(sender);
    }
    close(sender);
    return result == ECONNREFUSED ? 0 : result == 0 ? EPROTO : result;
}

int outpost_probe_closed_tcp(int family, int timeout_ms) {
    struct sockaddr_storage target;
    socklen_t length;
    // Bound but not listening: the port stays ours during the probe, and a SYN to it must be answered with a reset.
    int holder = bound_loopback(family, SOCK_STREAM, &target, &length);
    if (holder < 0) return errno;
    int client = socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (client < 0) {
        int saved = errno;
        close(holder);
        return saved;
    }
    int result = connect(client, (struct sockaddr *)&target, length) == 0 ? 0 : errno;
    if (result == EINPROGRESS) {
        result = await_socket(client, POLLOUT, timeout_ms);
        if (result == 0) result = socket_error(client);
    }
    close(client);
    close(holder);
    return result == ECONNREFUSED ? 0 : result == 0 ? EPROTO : result;
}

int outpost_free_loopback_port(void) {
    struct sockaddr_storage address;
    socklen_t length;
    int descriptor = bound_loopback(AF_INET, SOCK_STREAM, &address, &length);
    if (descriptor < 0) return -1;
    int port = ntohs(((const struct sockaddr_in *)&address)->sin_port);
    close(descriptor);
    return port;
}
