// What Glibc hides from Swift for sockets that carry many datagrams in one call: UDP_SEGMENT (GSO) and UDP_GRO, which
// its headers do not have, control messages and `recvmmsg` (macros), and `ppoll`.
#ifndef OUTPOST_PACKET_SOCKET_H
#define OUTPOST_PACKET_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

// A function that can fail returns its count, or the negative errno; the caller retries on EINTR.

// A run: datagrams from one sender that the kernel gives out as one message. `bytes` and `address` never change.
struct outpost_run {
    uint8_t *_Nonnull bytes;
    const uint8_t *_Nonnull address; // the sender's socket address, as the kernel wrote it
    uint32_t address_length;
    uint32_t length;                 // bytes of the whole run
    uint32_t segment;                // bytes of each of its datagrams; the last may be shorter
    uint32_t local_index;            // the interface, with has_local
    bool has_local;                  // `local` is the address that it was sent to
    bool is_truncated;               // it had more bytes than its buffer
    uint8_t local[16];               // IPv6, or v4-mapped if the socket is IPv4
};

struct outpost_runs;

// All memory for receiving up to `capacity` runs in one call, allocated once. NULL if there is none.
struct outpost_runs *_Nullable outpost_runs_create(uint32_t capacity, uint32_t run_bytes);
void outpost_runs_destroy(struct outpost_runs *_Nullable runs);
struct outpost_run *_Nonnull outpost_runs_first(struct outpost_runs *_Nonnull runs);
// Takes what is there, without waiting; fails with EAGAIN if nothing is.
int outpost_runs_receive(struct outpost_runs *_Nonnull runs, int fd);

// Where a run goes, and the address it comes from.
struct outpost_route {
    const void *_Nonnull address;
    const uint8_t *_Nullable local; // as in outpost_run; NULL: the routing table selects it
    uint32_t address_length;
    uint32_t local_index;           // the interface of a link-local `local`, otherwise 0
    bool is_ipv6;
};

// Sends `bytes` as datagrams of `segment` bytes, the last one shorter if they do not divide; 0: as one datagram. Adds
// to `sent` the number of datagrams that the kernel took. Does not wait. With `segments` runs leave as one UDP_SEGMENT
// message each (Linux 4.18); if kernel or device refuse that, they leave one by one and `segments` becomes false.
//
// Returns 0, or the negative errno of the first datagram that did not go.
int outpost_run_send(int fd, const struct outpost_route *_Nonnull route, const uint8_t *_Nullable bytes,
                     uint64_t length, uint32_t segment, bool *_Nonnull segments, uint64_t *_Nonnull sent);

// UDP_GRO. Fails with ENOPROTOOPT before Linux 5.0.
int outpost_receive_runs(int fd);
// Asks for socket buffers of `bytes`, beyond the system's limit if this process may (CAP_NET_ADMIN). The kernel may
// grant less.
void outpost_ask_buffers(int fd, int bytes);
// The address that each datagram was sent to; never fragments what is sent, and takes no notice of what the kernel
// believes about the path's MTU.
int outpost_packet_options(int fd, bool ipv6);

// poll(2) with nanoseconds; `timeout_ns` < 0 waits forever. `entries` are `count` pollfd. The number of those that are
// ready.
int outpost_poll(void *_Nonnull entries, uint64_t count, int64_t timeout_ns);

#endif
