#define _GNU_SOURCE
#include "packet_socket.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    ADDRESS_BYTES = sizeof(struct sockaddr_in6),
    // UDP_GRO and one pktinfo.
    RECEIVE_CONTROL = CMSG_SPACE(sizeof(int)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
    // UDP_SEGMENT and one pktinfo.
    SEND_CONTROL = CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
    // UDP_MAX_SEGMENTS of Linux up to 6.8 (128 in later versions).
    MAXIMUM_SEGMENTS = 64,
    // The payload of one message must fit one IP datagram: 65535 - 20 (IPv4) or 40 (IPv6) - 8 (UDP).
    MAXIMUM_IPV4_MESSAGE = 65507,
    MAXIMUM_IPV6_MESSAGE = 65487,
};

// MARK: Receiving

struct receive_control {
    _Alignas(struct cmsghdr) uint8_t bytes[RECEIVE_CONTROL];
};

struct address {
    _Alignas(8) uint8_t bytes[32];
};

struct outpost_runs {
    uint32_t capacity;
    uint8_t *memory;
    struct outpost_run *runs;
    struct mmsghdr *messages;
    struct iovec *vectors;
    struct address *addresses;
    struct receive_control *controls;
};

struct outpost_runs *outpost_runs_create(uint32_t capacity, uint32_t run_bytes) {
    struct outpost_runs *runs = calloc(1, sizeof *runs);
    if (!runs) return NULL;
    // An extra cache line keeps the heads of the runs off one cache set if the size is a power of two.
    size_t stride = (((size_t)run_bytes + 63) & ~(size_t)63) + 64;
    runs->capacity = capacity;
    runs->memory = aligned_alloc(64, stride * capacity);
    runs->runs = calloc(capacity, sizeof *runs->runs);
    runs->messages = calloc(capacity, sizeof *runs->messages);
    runs->vectors = calloc(capacity, sizeof *runs->vectors);
    runs->addresses = calloc(capacity, sizeof *runs->addresses);
    runs->controls = calloc(capacity, sizeof *runs->controls);
    if (!runs->memory || !runs->runs || !runs->messages || !runs->vectors || !runs->addresses || !runs->controls) {
        outpost_runs_destroy(runs);
        return NULL;
    }
    for (uint32_t i = 0; i < capacity; i++) {
        runs->runs[i].bytes = runs->memory + stride * i;
        runs->runs[i].address = runs->addresses[i].bytes;
        runs->vectors[i].iov_base = runs->runs[i].bytes;
        runs->vectors[i].iov_len = run_bytes;
        struct msghdr *header = &runs->messages[i].msg_hdr;
        header->msg_name = runs->addresses[i].bytes;
        header->msg_iov = &runs->vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = runs->controls[i].bytes;
    }
    return runs;
}

void outpost_runs_destroy(struct outpost_runs *runs) {
    if (!runs) return;
    free(runs->memory);
    free(runs->runs);
    free(runs->messages);
    free(runs->vectors);
    free(runs->addresses);
    free(runs->controls);
    free(runs);
}

struct outpost_run *outpost_runs_first(struct outpost_runs *runs) {
    return runs->runs;
}

static void read_control(struct msghdr *header, struct outpost_run *run) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            if (segment > 0 && (uint32_t)segment < run->length) run->segment = (uint32_t)segment;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            // Nothing can be sent from a multicast address.
            if (info.ipi6_addr.s6_addr[0] == 0xff) continue;
            memcpy(run->local, &info.ipi6_addr, 16);
            run->local_index = info.ipi6_ifindex;
            run->has_local = true;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            // Of its two addresses, ipi_spec_dst is this machine's own also for broadcast and multicast.
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memset(run->local, 0, 10);
            memset(run->local + 10, 0xff, 2);
            memcpy(run->local + 12, &info.ipi_spec_dst, 4);
            run->local_index = (uint32_t)info.ipi_ifindex;
            run->has_local = true;
        }
    }
}

int outpost_runs_receive(struct outpost_runs *runs, int fd) {
    for (uint32_t i = 0; i < runs->capacity; i++) {
        runs->messages[i].msg_hdr.msg_namelen = ADDRESS_BYTES;
        runs->messages[i].msg_hdr.msg_controllen = RECEIVE_CONTROL;
    }
    int got = recvmmsg(fd, runs->messages, runs->capacity, MSG_DONTWAIT, NULL);
    if (got < 0) return -errno;
    for (int i = 0; i < got; i++) {
        struct outpost_run *run = &runs->runs[i];
        struct msghdr *header = &runs->messages[i].msg_hdr;
        run->length = runs->messages[i].msg_len;
        run->segment = run->length;
        run->address_length = header->msg_namelen;
        run->is_truncated = header->msg_flags & MSG_TRUNC;
        run->has_local = false;
        read_control(header, run);
    }
    return got;
}

// MARK: Sending

struct send_control {
    _Alignas(struct cmsghdr) uint8_t bytes[SEND_CONTROL];
    size_t used;
};

static void add_control(struct send_control *control, int level, int type, const void *value, size_t length) {
    struct cmsghdr *c = (struct cmsghdr *)(control->bytes + control->used);
    c->cmsg_level = level;
    c->cmsg_type = type;
    c->cmsg_len = CMSG_LEN(length);
    memcpy(CMSG_DATA(c), value, length);
    control->used += CMSG_SPACE(length);
}

static void add_local(struct send_control *control, const struct outpost_route *route) {
    if (!route->local) return;
    if (route->is_ipv6) {
        struct in6_pktinfo info = {.ipi6_ifindex = route->local_index};
        memcpy(&info.ipi6_addr, route->local, 16);
        add_control(control, IPPROTO_IPV6, IPV6_PKTINFO, &info, sizeof info);
    } else {
        struct in_pktinfo info = {0}; // no interface: the routing table selects it
        memcpy(&info.ipi_spec_dst, route->local + 12, 4);
        add_control(control, IPPROTO_IP, IP_PKTINFO, &info, sizeof info);
    }
}

static void describe(struct msghdr *header, const struct outpost_route *route, struct iovec *vector,
                     struct send_control *control) {
    memset(header, 0, sizeof *header);
    header->msg_name = (void *)route->address;
    header->msg_namelen = route->address_length;
    header->msg_iov = vector;
    header->msg_iovlen = 1;
    header->msg_control = control->used ? control->bytes : NULL;
    header->msg_controllen = control->used;
}

// One message of `length` bytes: one datagram, or with `segment` that many bytes in each.
static int send_message(int fd, const struct outpost_route *route, const uint8_t *bytes, size_t length,
                        uint16_t segment) {
    struct send_control control;
    control.used = 0;
    add_local(&control, route);
    if (segment) add_control(&control, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment);
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr header;
    describe(&header, route, &vector, &control);
    ssize_t result;
    do {
        result = sendmsg(fd, &header, MSG_DONTWAIT | MSG_NOSIGNAL);
    } while (result < 0 && errno == EINTR);
    return result < 0 ? -errno : 0;
}

// Up to MAXIMUM_SEGMENTS datagrams as messages of their own. Adds to `sent` those that went.
static int send_apart(int fd, const struct outpost_route *route, const uint8_t *bytes, size_t length, uint32_t segment,
                      uint64_t *sent) {
    struct send_control control; // the same for all
    control.used = 0;
    add_local(&control, route);
    struct iovec vectors[MAXIMUM_SEGMENTS];
    struct mmsghdr messages[MAXIMUM_SEGMENTS];
    unsigned count = 0;
    for (size_t at = 0; at < length; at += segment) {
        vectors[count].iov_base = (void *)(bytes + at);
        vectors[count].iov_len = length - at < segment ? length - at : segment;
        describe(&messages[count].msg_hdr, route, &vectors[count], &control);
        count += 1;
    }
    for (unsigned next = 0; next < count;) {
        int took = sendmmsg(fd, messages + next, count - next, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (took < 0 && errno == EINTR) continue;
        if (took < 0) return -errno;
        next += (unsigned)took;
        *sent += (uint64_t)took;
    }
    return 0;
}

int outpost_run_send(int fd, const struct outpost_route *route, const uint8_t *bytes, uint64_t length,
                     uint32_t segment, bool *segments, uint64_t *sent) {
    size_t most = route->is_ipv6 ? MAXIMUM_IPV6_MESSAGE : MAXIMUM_IPV4_MESSAGE;
    if (segment == 0 || segment >= length) {
        int code = send_message(fd, route, bytes, length, 0);
        if (code == 0) *sent += 1;
        return code;
    }
    for (size_t at = 0, part; at < length; at += part) {
        part = length - at;
        if (part > (size_t)MAXIMUM_SEGMENTS * segment) part = (size_t)MAXIMUM_SEGMENTS * segment;
        // What does not fit one message goes without its last datagrams.
        if (*segments && part > most) part = segment > most ? segment : most / segment * segment;
        uint64_t count = (part + segment - 1) / segment;
        if (*segments && count > 1) {
            int code = send_message(fd, route, bytes + at, part, (uint16_t)segment);
            if (code == 0) {
                *sent += count;
                continue;
            }
            // EIO: the device computes no checksums, or IPsec transforms the packets. EINVAL: the kernel does not know
            // the option. But EINVAL also means a segment beyond the MTU (EMSGSIZE since Linux 6.14) or an address
            // that does not exist; then the datagrams do not go one by one either, and the option is not at fault.
            if (code != -EIO && code != -EINVAL && code != -ENOPROTOOPT && code != -EOPNOTSUPP) return code;
            uint64_t before = *sent;
            code = send_apart(fd, route, bytes + at, part, segment, sent);
            if (*sent > before) *segments = false;
            if (code) return code;
        } else {
            int code = send_apart(fd, route, bytes + at, part, segment, sent);
            if (code) return code;
        }
    }
    return 0;
}

// MARK: Options

int outpost_receive_runs(int fd) {
    int on = 1;
    return setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0 ? -errno : 0;
}

static void ask_buffer(int fd, int forced, int option, int bytes) {
    if (setsockopt(fd, SOL_SOCKET, forced, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, option, &bytes, sizeof bytes);
}

void outpost_ask_buffers(int fd, int bytes) {
    ask_buffer(fd, SO_RCVBUFFORCE, SO_RCVBUF, bytes);
    ask_buffer(fd, SO_SNDBUFFORCE, SO_SNDBUF, bytes);
}

int outpost_packet_options(int fd, bool ipv6) {
    int on = 1;
    if (ipv6) {
        int probe = IPV6_PMTUDISC_PROBE;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0) return -errno;
        if (setsockopt(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &probe, sizeof probe) < 0) return -errno;
        return setsockopt(fd, IPPROTO_IPV6, IPV6_DONTFRAG, &on, sizeof on) < 0 ? -errno : 0;
    }
    int probe = IP_PMTUDISC_PROBE;
    if (setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0) return -errno;
    return setsockopt(fd, IPPROTO_IP, IP_MTU_DISCOVER, &probe, sizeof probe) < 0 ? -errno : 0;
}

int outpost_poll(void *entries, uint64_t count, int64_t timeout_ns) {
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int ready = ppoll(entries, count, timeout_ns < 0 ? NULL : &timeout, NULL);
    return ready < 0 ? -errno : ready;
}
