// What Glibc hides from Swift for the packet engines: `recvmmsg`, `sendmmsg` and their control messages (feature
// macros), `ppoll`, `eventfd`, `prctl` (variadic) and the later fields of TCP_INFO.
#ifndef OUTPOST_PACKET_IO_H
#define OUTPOST_PACKET_IO_H

#include <stdbool.h>
#include <stdint.h>

// A function that can fail returns its count, or the negative errno; the caller retries on EINTR.

enum {
    OUTPOST_ADDRESS_BYTES = 28, // sizeof(struct sockaddr_in6), the longest supported address
};

// One datagram of a batch. `bytes` and `address` point into the batch and never change.
struct outpost_datagram {
    uint8_t *_Nonnull bytes;
    const uint8_t *_Nonnull address; // the sender's socket address, as the kernel wrote it
    int64_t received_ns;     // CLOCK_REALTIME of the kernel's receive timestamp, 0 if there was none
    uint32_t length;         // bytes received, and bytes to send back
    uint32_t address_length;
    uint32_t local_index;    // the interface, for a wildcard bind
    bool is_reply;           // set by the caller: send it back to its sender
    bool has_local;          // `local` is the address that it was sent to
    bool was_sent;           // set by outpost_batch_send
    uint8_t local[16];       // IPv6, or v4-mapped if the socket is IPv4
};

struct outpost_batch;

// All memory for receiving and sending, allocated once. NULL if there is none.
struct outpost_batch *_Nullable outpost_batch_create(uint32_t capacity, uint32_t datagram_bytes);
void outpost_batch_destroy(struct outpost_batch *_Nullable batch);
struct outpost_datagram *_Nonnull outpost_batch_datagrams(struct outpost_batch *_Nonnull batch);

// `blocking`: waits for one datagram and takes no more. Otherwise takes all available ones, or fails with EAGAIN.
int outpost_batch_receive(struct outpost_batch *_Nonnull batch, int fd, bool blocking);

// Sends back every datagram among the first `count` with `is_reply` and marks those that the kernel took as `was_sent`.
// Returns how many were sent. With `segment`, runs of equal length to one peer leave as one UDP_SEGMENT message (Linux
// 4.18); if the kernel or device refuses that, they leave one by one and `segment` becomes false.
int outpost_batch_send(struct outpost_batch *_Nonnull batch, int fd, uint32_t count, bool *_Nonnull segment);

// Waits for one datagram and also takes all others that are available.
int outpost_batch_collect(struct outpost_batch *_Nonnull batch, int fd);

// Sends every datagram among the first `count` with `is_reply`, unchanged, to `address`, or with NULL to the peer that
// `fd` is connected to. Waits while the socket's buffer is full. Returns how many the kernel took; `segment` as above.
int outpost_batch_forward(struct outpost_batch *_Nonnull batch, int fd, uint32_t count, const void *_Nullable address,
                          uint32_t address_length, bool *_Nonnull segment);

// Enables kernel receive timestamps in nanoseconds; with `wildcard` also the address that each datagram was sent to.
int outpost_udp_options(int fd, bool ipv6, bool wildcard);
// Datagrams that the kernel dropped because this socket's queue was full (SO_MEMINFO). 0 if unknown.
uint32_t outpost_socket_drops(int fd);

struct outpost_tcp_info {
    uint64_t bytes_retransmitted;
    uint64_t min_rtt_us;
    uint32_t total_retransmits;
    uint32_t rtt_us;
    uint32_t congestion_window;
    uint32_t mss;
};
int outpost_tcp_info(int fd, struct outpost_tcp_info *_Nonnull info);

// What a TCP socket has received since it was created: segments with data; those of them that arrived out of order
// (both counts wrap around); the size of a full segment; bytes in order; the unread ones among them; and the kernel's
// memory for unread data, including segments after a missing one. -errno if it is not TCP or the kernel does not report
// it.
struct outpost_tcp_received {
    uint64_t in_order;
    uint32_t unread;
    uint32_t segments;
    uint32_t out_of_order;
    uint32_t segment_size;
    uint32_t queued;
};
int outpost_tcp_received(int fd, struct outpost_tcp_received *_Nonnull received);

// ppoll for one descriptor and a wake-up descriptor (-1: none); `timeout_ns` < 0 waits forever. Bit 0: `fd` is ready or
// broken; bit 1: the wake-up arrived; 0: timeout.
int outpost_wait(int fd, bool writable, int wake_fd, int64_t timeout_ns);

// An eventfd: once signaled, it stays readable until it is cleared.
int outpost_wake_create(void);
void outpost_wake_signal(int fd);
void outpost_wake_clear(int fd);

// Names the calling thread, blocks all signals in it and removes the kernel's 50 us timer slack.
void outpost_thread_setup(const char *_Nonnull name);
// The system's message for an errno; never NULL, static, thread-safe (`strerror` is not; Glibc hides the GNU call).
const char *_Nonnull outpost_errno_text(int code);

#endif
