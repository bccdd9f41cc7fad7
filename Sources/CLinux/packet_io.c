#define _GNU_SOURCE
#include "packet_io.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum {
    // SCM_TIMESTAMPNS and one pktinfo.
    RECEIVE_CONTROL = CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
    // UDP_SEGMENT and one pktinfo.
    SEND_CONTROL = CMSG_SPACE(sizeof(uint16_t)) + CMSG_SPACE(sizeof(struct in6_pktinfo)),
    // UDP_MAX_SEGMENTS of Linux up to 6.8 (128 in later versions).
    MAXIMUM_SEGMENTS = 64,
    // The payload of one message must fit one IP datagram: 65535 - 40 (IPv6) - 8 (UDP).
    MAXIMUM_MESSAGE = 65487,
};

struct receive_control {
    _Alignas(struct cmsghdr) uint8_t bytes[RECEIVE_CONTROL];
};

struct send_control {
    _Alignas(struct cmsghdr) uint8_t bytes[SEND_CONTROL];
};

struct address {
    _Alignas(8) uint8_t bytes[32];
};

// Everything that the two calls for a single datagram touch, except its bytes and its entry, on one page: after an idle
// millisecond, each further page is a cache miss. The first datagram of a batch has its parts here as well.
struct lone {
    struct msghdr header;
    struct iovec vector;
    struct address address;
    struct receive_control control;
    struct outpost_datagram datagrams[]; // those of the whole batch
};

struct outpost_batch {
    uint32_t capacity;
    uint32_t datagram_bytes;
    uint8_t *memory;
    struct lone *lone;
    struct address *addresses;
    struct mmsghdr *incoming;
    struct mmsghdr *outgoing;
    struct iovec *receive_vectors;
    struct iovec *send_vectors;
    struct receive_control *receive_controls;
    struct send_control *send_controls;
    uint32_t *first; // index into `replies` of each outgoing message's first datagram
    uint32_t *replies;
};

struct outpost_batch *outpost_batch_create(uint32_t capacity, uint32_t datagram_bytes) {
    struct outpost_batch *batch = calloc(1, sizeof *batch);
    if (!batch) return NULL;
    batch->capacity = capacity;
    batch->datagram_bytes = datagram_bytes;
    // An extra cache line keeps the heads of the datagrams off one cache set if the size is a power of two.
    size_t stride = (((size_t)datagram_bytes + 63) & ~(size_t)63) + 64;
    batch->memory = aligned_alloc(64, stride * capacity);
    batch->lone = aligned_alloc(4096, (sizeof *batch->lone + capacity * sizeof(struct outpost_datagram) + 4095) & ~(size_t)4095);
    batch->addresses = calloc(capacity, sizeof *batch->addresses);
    batch->incoming = calloc(capacity, sizeof *batch->incoming);
    batch->outgoing = calloc(capacity, sizeof *batch->outgoing);
    batch->receive_vectors = calloc(capacity, sizeof *batch->receive_vectors);
    batch->send_vectors = calloc(capacity, sizeof *batch->send_vectors);
    batch->receive_controls = calloc(capacity, sizeof *batch->receive_controls);
    batch->send_controls = calloc(capacity, sizeof *batch->send_controls);
    batch->first = calloc(capacity + 1, sizeof *batch->first);
    batch->replies = calloc(capacity, sizeof *batch->replies);
    if (!batch->memory || !batch->lone || !batch->addresses || !batch->incoming || !batch->outgoing || !batch->receive_vectors
        || !batch->send_vectors || !batch->receive_controls || !batch->send_controls || !batch->first
        || !batch->replies) {
        outpost_batch_destroy(batch);
        return NULL;
    }
    memset(batch->lone, 0, sizeof *batch->lone + capacity * sizeof(struct outpost_datagram));
    for (uint32_t i = 0; i < capacity; i++) {
        batch->lone->datagrams[i].bytes = batch->memory + stride * i;
        batch->lone->datagrams[i].address = batch->addresses[i].bytes;
        batch->receive_vectors[i].iov_base = batch->lone->datagrams[i].bytes;
        batch->receive_vectors[i].iov_len = datagram_bytes;
        struct msghdr *header = &batch->incoming[i].msg_hdr;
        header->msg_name = batch->addresses[i].bytes;
        header->msg_iov = &batch->receive_vectors[i];
        header->msg_iovlen = 1;
        header->msg_control = batch->receive_controls[i].bytes;
    }
    batch->lone->vector = batch->receive_vectors[0];
    batch->lone->datagrams[0].address = batch->lone->address.bytes;
    struct msghdr *header = &batch->incoming[0].msg_hdr;
    header->msg_name = batch->lone->address.bytes;
    header->msg_iov = &batch->lone->vector;
    header->msg_control = batch->lone->control.bytes;
    batch->lone->header = *header;
    return batch;
}

void outpost_batch_destroy(struct outpost_batch *batch) {
    if (!batch) return;
    free(batch->memory);
    free(batch->lone);
    free(batch->addresses);
    free(batch->incoming);
    free(batch->outgoing);
    free(batch->receive_vectors);
    free(batch->send_vectors);
    free(batch->receive_controls);
    free(batch->send_controls);
    free(batch->first);
    free(batch->replies);
    free(batch);
}

struct outpost_datagram *outpost_batch_datagrams(struct outpost_batch *batch) {
    return batch->lone->datagrams;
}

static void read_control(struct msghdr *header, struct outpost_datagram *datagram) {
    datagram->received_ns = 0;
    datagram->has_local = false;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c)) {
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
            struct timespec at;
            memcpy(&at, CMSG_DATA(c), sizeof at);
            datagram->received_ns = (int64_t)at.tv_sec * 1000000000 + at.tv_nsec;
        } else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(datagram->local, &info.ipi6_addr, 16);
            datagram->local_index = info.ipi6_ifindex;
            datagram->has_local = true;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memset(datagram->local, 0, 10);
            memset(datagram->local + 10, 0xff, 2);
            memcpy(datagram->local + 12, &info.ipi_spec_dst, 4);
            datagram->local_index = (uint32_t)info.ipi_ifindex;
            datagram->has_local = true;
        }
    }
}

static void take(struct outpost_datagram *datagram, struct msghdr *header, uint32_t length) {
    datagram->length = length;
    datagram->address_length = header->msg_namelen;
    datagram->is_reply = false;
    datagram->was_sent = false;
    read_control(header, datagram);
}

// Measured: a single datagram returns a microsecond earlier with the plain call than with recvmmsg.
static int receive_one(struct outpost_batch *batch, int fd) {
    struct msghdr *header = &batch->lone->header;
    header->msg_namelen = OUTPOST_ADDRESS_BYTES;
    header->msg_controllen = RECEIVE_CONTROL;
    ssize_t length = recvmsg(fd, header, 0);
    if (length < 0) return -errno;
    take(&batch->lone->datagrams[0], header, (uint32_t)length);
    return 1;
}

static int receive_many(struct outpost_batch *batch, int fd, int flags) {
    for (uint32_t i = 0; i < batch->capacity; i++) {
        batch->incoming[i].msg_hdr.msg_namelen = OUTPOST_ADDRESS_BYTES;
        batch->incoming[i].msg_hdr.msg_controllen = RECEIVE_CONTROL;
    }
    int got = recvmmsg(fd, batch->incoming, batch->capacity, flags, NULL);
    if (got < 0) return -errno;
    for (int i = 0; i < got; i++)
        take(&batch->lone->datagrams[i], &batch->incoming[i].msg_hdr, batch->incoming[i].msg_len);
    return got;
}

int outpost_batch_receive(struct outpost_batch *batch, int fd, bool blocking) {
    return blocking ? receive_one(batch, fd) : receive_many(batch, fd, MSG_DONTWAIT);
}

int outpost_batch_collect(struct outpost_batch *batch, int fd) {
    return receive_many(batch, fd, MSG_WAITFORONE);
}

// The local address and segment size of one outgoing message.
static void write_control(struct outpost_batch *batch, struct msghdr *header, uint32_t message,
                          const struct outpost_datagram *datagram, uint16_t segment) {
    uint8_t *start = batch->send_controls[message].bytes;
    size_t used = 0;
    if (datagram->has_local) {
        struct cmsghdr *c = (struct cmsghdr *)start;
        sa_family_t family;
        memcpy(&family, datagram->address, sizeof family);
        if (family == AF_INET) {
            struct in_pktinfo info = {0}; // no interface: the routing table selects it
            memcpy(&info.ipi_spec_dst, datagram->local + 12, 4);
            c->cmsg_level = IPPROTO_IP;
            c->cmsg_type = IP_PKTINFO;
            c->cmsg_len = CMSG_LEN(sizeof info);
            memcpy(CMSG_DATA(c), &info, sizeof info);
            used += CMSG_SPACE(sizeof info);
        } else {
            struct in6_pktinfo info = {0};
            memcpy(&info.ipi6_addr, datagram->local, 16);
            // A link-local source needs its interface.
            if (datagram->local[0] == 0xfe && (datagram->local[1] & 0xc0) == 0x80)
                info.ipi6_ifindex = datagram->local_index;
            c->cmsg_level = IPPROTO_IPV6;
            c->cmsg_type = IPV6_PKTINFO;
            c->cmsg_len = CMSG_LEN(sizeof info);
            memcpy(CMSG_DATA(c), &info, sizeof info);
            used += CMSG_SPACE(sizeof info);
        }
    }
    if (segment) {
        struct cmsghdr *c = (struct cmsghdr *)(start + used);
        c->cmsg_level = IPPROTO_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
        used += CMSG_SPACE(sizeof segment);
    }
    header->msg_control = used ? start : NULL;
    header->msg_controllen = used;
}

// One destination for all datagrams of a batch; `address` NULL: the peer that the socket is connected to.
struct destination {
    const void *address;
    uint32_t length;
};

static bool same_way(const struct outpost_datagram *a, const struct outpost_datagram *b,
                     const struct destination *destination) {
    if (destination) return a->length == b->length;
    return a->length == b->length && a->address_length == b->address_length && a->has_local == b->has_local
        && memcmp(a->address, b->address, a->address_length) == 0
        && (!a->has_local || memcmp(a->local, b->local, 16) == 0);
}

// Builds messages for `replies[from..<to]`, to `destination` or, without one, back to their senders; returns their
// number.
static uint32_t build(struct outpost_batch *batch, uint32_t from, uint32_t to, bool segment,
                      const struct destination *destination) {
    uint32_t messages = 0;
    for (uint32_t i = from; i < to;) {
        struct outpost_datagram *head = &batch->lone->datagrams[batch->replies[i]];
        uint32_t run = 0;
        uint32_t bytes = 0;
        do {
            struct outpost_datagram *next = &batch->lone->datagrams[batch->replies[i + run]];
            batch->send_vectors[i + run].iov_base = next->bytes;
            batch->send_vectors[i + run].iov_len = next->length;
            bytes += next->length;
            run += 1;
        } while (segment && i + run < to && run < MAXIMUM_SEGMENTS && bytes + head->length <= MAXIMUM_MESSAGE
                 && same_way(head, &batch->lone->datagrams[batch->replies[i + run]], destination));
        struct msghdr *header = &batch->outgoing[messages].msg_hdr;
        header->msg_name = destination ? (void *)destination->address : (void *)head->address;
        header->msg_namelen = destination ? destination->length : head->address_length;
        header->msg_iov = &batch->send_vectors[i];
        header->msg_iovlen = run;
        header->msg_flags = 0;
        write_control(batch, header, messages, head, run > 1 ? (uint16_t)head->length : 0);
        batch->first[messages] = i;
        messages += 1;
        i += run;
    }
    batch->first[messages] = to;
    return messages;
}

static int send_marked(struct outpost_batch *batch, int fd, uint32_t count, bool *segment, int flags,
                       const struct destination *destination) {
    uint32_t replies = 0;
    for (uint32_t i = 0; i < count; i++)
        if (batch->lone->datagrams[i].is_reply) batch->replies[replies++] = i;
    int sent = 0;
    for (uint32_t from = 0; from < replies;) {
        uint32_t messages = build(batch, from, replies, *segment, destination);
        uint32_t next = 0;
        while (next < messages) {
            int took = sendmmsg(fd, batch->outgoing + next, messages - next, flags | MSG_NOSIGNAL);
            if (took < 0 && errno == EINTR) continue;
            if (took <= 0) {
                int error = took < 0 ? errno : EIO;
                if (error == EPIPE || error == EAGAIN || (error == ENOBUFS && flags & MSG_DONTWAIT)) return sent;
                uint32_t run = batch->first[next + 1] - batch->first[next];
                if (run > 1 && (error == EIO || error == EINVAL || error == EMSGSIZE || error == EOPNOTSUPP)) {
                    // The segments do not fit the path's MTU, or the device does not support them: one by one from
                    // here.
                    *segment = false;
                    break;
                }
                next += 1; // this one is not sent; the next may take another path
                continue;
            }
            for (uint32_t i = batch->first[next]; i < batch->first[next + (uint32_t)took]; i++) {
                batch->lone->datagrams[batch->replies[i]].was_sent = true;
                sent += 1;
            }
            next += (uint32_t)took;
        }
        from = batch->first[next];
    }
    return sent;
}

// A latency test waits for a single reply, with cold caches, so this touches no memory that it does not need.
static int send_one(struct outpost_datagram *datagram, int fd) {
    ssize_t sent;
    do {
        sent = sendto(fd, datagram->bytes, datagram->length, MSG_DONTWAIT | MSG_NOSIGNAL,
                      (const struct sockaddr *)datagram->address, datagram->address_length);
    } while (sent < 0 && errno == EINTR);
    datagram->was_sent = sent >= 0;
    return sent >= 0 ? 1 : 0;
}

int outpost_batch_send(struct outpost_batch *batch, int fd, uint32_t count, bool *segment) {
    if (count == 1 && batch->lone->datagrams[0].is_reply && !batch->lone->datagrams[0].has_local)
        return send_one(&batch->lone->datagrams[0], fd);
    // Never waits: a reply delayed by a full queue is worse here than a lost one.
    return send_marked(batch, fd, count, segment, MSG_DONTWAIT, NULL);
}

int outpost_batch_forward(struct outpost_batch *batch, int fd, uint32_t count, const void *address,
                          uint32_t address_length, bool *segment) {
    const struct destination destination = {.address = address, .length = address_length};
    return send_marked(batch, fd, count, segment, 0, &destination);
}

int outpost_udp_options(int fd, bool ipv6, bool wildcard) {
    int on = 1;
    if (setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof on) < 0) return -errno;
    if (!wildcard) return 0;
    if (ipv6) return setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on) < 0 ? -errno : 0;
    return setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof on) < 0 ? -errno : 0;
}

uint32_t outpost_socket_drops(int fd) {
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof values;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length) < 0) return 0;
    return values[SK_MEMINFO_DROPS];
}

int outpost_tcp_info(int fd, struct outpost_tcp_info *out) {
    // An older kernel fills in less; the rest stays 0.
    struct tcp_info info;
    memset(&info, 0, sizeof info);
    socklen_t length = sizeof info;
    if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
    out->bytes_retransmitted = info.tcpi_bytes_retrans;
    out->min_rtt_us = info.tcpi_min_rtt;
    out->total_retransmits = info.tcpi_total_retrans;
    out->rtt_us = info.tcpi_rtt;
    out->congestion_window = info.tcpi_snd_cwnd;
    out->mss = info.tcpi_snd_mss;
    return 0;
}

int outpost_tcp_received(int fd, struct outpost_tcp_received *out) {
    struct tcp_info info;
    int unread = 0;
    // The two calls are not atomic: repeat if data arrived in between, but not forever on a fast link.
    for (int tries = 0; tries < 3; tries++) {
        socklen_t length = sizeof info;
        if (ioctl(fd, SIOCINQ, &unread) < 0) return -errno;
        if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length) < 0) return -errno;
        if (length < offsetof(struct tcp_info, tcpi_rcv_ooopack) + sizeof info.tcpi_rcv_ooopack) return -ENOPROTOOPT;
        if (tries > 0 && info.tcpi_bytes_received == out->in_order) break;
        out->in_order = info.tcpi_bytes_received;
    }
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof memory;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, memory, &length) < 0) return -errno;
    out->unread = unread;
    out->segments = info.tcpi_data_segs_in;
    out->out_of_order = info.tcpi_rcv_ooopack;
    out->segment_size = info.tcpi_rcv_mss;
    out->queued = memory[SK_MEMINFO_RMEM_ALLOC];
    return 0;
}

int outpost_wait(int fd, bool writable, int wake_fd, int64_t timeout_ns) {
    struct pollfd entries[2] = {
        {.fd = fd, .events = writable ? POLLOUT : POLLIN},
        {.fd = wake_fd, .events = POLLIN},
    };
    struct timespec timeout = {.tv_sec = timeout_ns / 1000000000, .tv_nsec = timeout_ns % 1000000000};
    int got = ppoll(entries, 2, timeout_ns < 0 ? NULL : &timeout, NULL);
    if (got < 0) return -errno;
    return (entries[0].revents ? 1 : 0) | (entries[1].revents ? 2 : 0);
}

int outpost_wake_create(void) {
    int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return fd < 0 ? -errno : fd;
}

void outpost_wake_signal(int fd) {
    int saved = errno;
    eventfd_write(fd, 1);
    errno = saved;
}

void outpost_wake_clear(int fd) {
    eventfd_t value;
    eventfd_read(fd, &value);
}

void outpost_thread_setup(const char *name) {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    prctl(PR_SET_NAME, name, 0, 0, 0);
    prctl(PR_SET_TIMERSLACK, 1, 0, 0, 0);
}

const char *outpost_errno_text(int code) {
    const char *text = strerrordesc_np(code);
    return text ? text : "unknown error";
}
