// The least that a file transfer like the courier's costs on this machine: two processes that do what none can leave
// out, and nothing else. No handshake, no streams, no loss, no retransmission.
//
//   limit FILE TARGET DATAGRAM [WINDOW]
//       copies FILE to TARGET in UDP datagrams of up to DATAGRAM bytes over loopback, with at most WINDOW bytes
//       (1 MiB) that the receiver has not taken; prints, as a line of JSON, nanoseconds from the first read to the last
//       write, those of each process on the processor, datagrams, and the BLAKE3 of the file
//
// The sender reads 256 KiB from the file, hashes it, seals packets of it with AES-256-GCM and sends up to 64 in one
// call (UDP_SEGMENT). The receiver takes several such runs in one call (UDP_GRO), opens the packets in place, copies
// them to a chunk of 256 KiB, hashes that and writes it. Packets have the courier's layout, without the mask of the
// number.
//
// In the folder of the package:
//   clang -O3 -Wall -ISources/CBLAKE3/include -o limit Benchmarks/limit/limit.c Sources/CBLAKE3/*.c -lcrypto
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "outpost_blake3.h"

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif
#ifndef UDP_GRO
#define UDP_GRO 104
#endif

enum {
    CHUNK = OUTPOST_BLAKE3_PIECE_BYTES,
    CLEAR = 16,    // CID and packet number
    HEADER = 36,   // with the sealed part
    TAG = 16,
    OVERHEAD = HEADER + TAG,
    SEGMENTS = 64, // UDP_MAX_SEGMENTS
    RUN = 65507,   // the payload of the longest IPv4 packet
    RUNS = 16,     // that one call receives
    BUFFER = 4 << 20,
};

// What the two processes tell their parent.
struct report {
    int64_t start, end;
    int64_t processor[2];
    uint64_t datagrams;
    uint8_t roots[2][OUTPOST_BLAKE3_VALUE_BYTES];
};

static void fail(const char *what) {
    fprintf(stderr, "%s: %s\n", what, strerror(errno));
    exit(1);
}

static int64_t now(clockid_t clock) {
    struct timespec t;
    clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

// MARK: The hash

// Folds the values of chunks to that of the file.
struct fold {
    uint64_t chunks;
    int depth;
    uint8_t stack[OUTPOST_BLAKE3_MAXIMUM_DEPTH + 1][OUTPOST_BLAKE3_VALUE_BYTES];
    uint8_t root[OUTPOST_BLAKE3_VALUE_BYTES]; // if there is only one chunk
};

static void fold_chunk(struct fold *fold, const uint8_t *bytes, size_t length) {
    // Subtrees of equal size merge when more follows, because the last merge is the root. Those that are left are the
    // ones in the binary number of chunks.
    for (; fold->depth > __builtin_popcountll(fold->chunks); fold->depth--)
        outpost_blake3_parent(fold->stack[fold->depth - 2], fold->stack[fold->depth - 1], false,
                              fold->stack[fold->depth - 2]);
    outpost_blake3_subtree(bytes, length, fold->chunks * (CHUNK / OUTPOST_BLAKE3_CHUNK_BYTES), fold->stack[fold->depth],
                           fold->chunks == 0 ? fold->root : NULL);
    fold->depth += 1;
    fold->chunks += 1;
}

static void fold_end(struct fold *fold, uint8_t *root) {
    for (; fold->depth > 1; fold->depth--)
        outpost_blake3_parent(fold->stack[fold->depth - 2], fold->stack[fold->depth - 1], fold->depth == 2,
                              fold->depth == 2 ? fold->root : fold->stack[fold->depth - 2]);
    memcpy(root, fold->root, sizeof fold->root);
}

// MARK: The cipher

static EVP_CIPHER_CTX *cipher(bool seals) {
    uint8_t key[32];
    memset(key, 7, sizeof key);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (EVP_CipherInit_ex(context, EVP_aes_256_gcm(), NULL, key, NULL, seals) != 1) fail("libcrypto");
    return context;
}

static void begin(EVP_CIPHER_CTX *context, const uint8_t *packet, uint64_t number) {
    uint8_t nonce[12] = {1, 2, 3, 4};
    int written;
    memcpy(nonce + 4, &number, 8);
    EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, -1);
    EVP_CipherUpdate(context, NULL, &written, packet, CLEAR);
}

// `packet` has its header, and room for the payload and the tag.
static void seal(EVP_CIPHER_CTX *context, uint8_t *packet, const uint8_t *payload, size_t length, uint64_t number) {
    int written;
    begin(context, packet, number);
    memcpy(packet + HEADER, payload, length);
    EVP_EncryptUpdate(context, packet + CLEAR, &written, packet + CLEAR, (int)(HEADER - CLEAR + length));
    EVP_EncryptFinal_ex(context, packet + HEADER + length, &written);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, packet + HEADER + length);
}

static bool open_packet(EVP_CIPHER_CTX *context, uint8_t *packet, size_t length, uint64_t number) {
    int written;
    begin(context, packet, number);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, packet + length - TAG);
    EVP_DecryptUpdate(context, packet + CLEAR, &written, packet + CLEAR, (int)(length - CLEAR - TAG));
    return EVP_DecryptFinal_ex(context, packet + length - TAG, &written) == 1;
}

// MARK: The sender

static void send_run(int fd, const uint8_t *bytes, size_t length, uint16_t segment) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof segment)];
    struct iovec vector = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};
    if (length > segment) {
        header.msg_control = control;
        header.msg_controllen = sizeof control;
        struct cmsghdr *c = CMSG_FIRSTHDR(&header);
        c->cmsg_level = IPPROTO_UDP;
        c->cmsg_type = UDP_SEGMENT;
        c->cmsg_len = CMSG_LEN(sizeof segment);
        memcpy(CMSG_DATA(c), &segment, sizeof segment);
    }
    if (sendmsg(fd, &header, 0) < 0) fail("sendmsg");
}

// Waits until the receiver has taken so much that no more than `most` bytes are on their way.
static void await_room(int fd, uint64_t sent, uint64_t *taken, uint64_t most) {
    while (sent - *taken > most) {
        uint64_t total;
        if (recv(fd, &total, sizeof total, 0) != sizeof total) fail("the receiver is gone");
        if (total > *taken) *taken = total;
    }
}

static void sender(int fd, const char *path, size_t datagram, uint64_t window, struct report *report) {
    static uint8_t chunk[CHUNK], run[RUN];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) fail(path);
    EVP_CIPHER_CTX *context = cipher(true);
    struct fold fold = {0};
    uint64_t number = 0, sent = 0, taken = 0;
    report->start = now(CLOCK_MONOTONIC);
    for (uint64_t offset = 0;; offset += CHUNK) {
        ssize_t length = pread(file, chunk, CHUNK, (off_t)offset);
        if (length < 0) fail("pread");
        if (length == 0) break;
        fold_chunk(&fold, chunk, (size_t)length);
        size_t used = 0, packets = 0;
        for (size_t at = 0; at < (size_t)length;) {
            size_t payload = (size_t)length - at < datagram - OVERHEAD ? (size_t)length - at : datagram - OVERHEAD;
            uint8_t *packet = run + used;
            uint64_t number_be = htobe64(number), place = htobe64(offset + at);
            uint16_t length_be = htobe16((uint16_t)payload);
            memset(packet, 0, HEADER);
            memcpy(packet + 8, &number_be, 8);
            packet[16] = 1; // DATA
            memcpy(packet + 24, &place, 8);
            memcpy(packet + 32, &length_be, 2);
            seal(context, packet, chunk + at, payload, number);
            number += 1;
            packets += 1;
            used += payload + OVERHEAD;
            at += payload;
            if (at == (size_t)length || packets == SEGMENTS || used + datagram > RUN) {
                await_room(fd, sent + used, &taken, window);
                send_run(fd, run, used, (uint16_t)datagram);
                sent += used;
                used = packets = 0;
            }
        }
    }
    await_room(fd, sent, &taken, 0);
    report->datagrams = number;
    fold_end(&fold, report->roots[0]);
    report->processor[0] = now(CLOCK_PROCESS_CPUTIME_ID);
}

// MARK: The receiver

struct writer {
    int file;
    uint64_t size, done, next;
    struct fold fold;
    uint8_t chunk[CHUNK];
};

// Takes one datagram of the sender.
static void take(struct writer *writer, EVP_CIPHER_CTX *context, uint8_t *packet, size_t length) {
    uint64_t number, place;
    uint16_t payload;
    if (length < OVERHEAD) fail("a short packet");
    memcpy(&number, packet + 8, 8);
    number = be64toh(number);
    if (number != writer->next++) {
        fprintf(stderr, "packet %llu is lost\n", (unsigned long long)writer->next - 1);
        exit(1);
    }
    if (!open_packet(context, packet, length, number)) fail("a packet does not open");
    memcpy(&place, packet + 24, 8);
    memcpy(&payload, packet + 32, 2);
    place = be64toh(place);
    payload = be16toh(payload);
    memcpy(writer->chunk + place % CHUNK, packet + HEADER, payload);
    writer->done += payload;
    if (writer->done % CHUNK && writer->done < writer->size) return;
    size_t filled = writer->done % CHUNK ? writer->done % CHUNK : CHUNK;
    fold_chunk(&writer->fold, writer->chunk, filled);
    if (pwrite(writer->file, writer->chunk, filled, (off_t)(writer->done - filled)) != (ssize_t)filled) fail("pwrite");
}

static size_t segment_of(struct msghdr *header, size_t length) {
    for (struct cmsghdr *c = CMSG_FIRSTHDR(header); c; c = CMSG_NXTHDR(header, c))
        if (c->cmsg_level == IPPROTO_UDP && c->cmsg_type == UDP_GRO) {
            int segment;
            memcpy(&segment, CMSG_DATA(c), sizeof segment);
            return (size_t)segment;
        }
    return length;
}

static void receiver(int fd, const char *path, uint64_t size, struct report *report) {
    static uint8_t bytes[RUNS][65536 + 64], controls[RUNS][64];
    static struct iovec vectors[RUNS];
    static struct mmsghdr messages[RUNS];
    static struct writer writer;
    writer.size = size;
    writer.file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (writer.file < 0) fail(path);
    for (int i = 0; i < RUNS; i++) {
        vectors[i] = (struct iovec){.iov_base = bytes[i], .iov_len = 65536};
        messages[i].msg_hdr.msg_iov = &vectors[i];
        messages[i].msg_hdr.msg_iovlen = 1;
        messages[i].msg_hdr.msg_control = controls[i];
    }
    EVP_CIPHER_CTX *context = cipher(false);
    uint64_t taken = 0;
    while (writer.done < size) {
        for (int i = 0; i < RUNS; i++) messages[i].msg_hdr.msg_controllen = sizeof controls[i];
        int got = recvmmsg(fd, messages, RUNS, MSG_WAITFORONE, NULL);
        if (got < 0) fail("recvmmsg");
        // They have left the socket's buffer: the sender can go on while they are opened.
        for (int i = 0; i < got; i++) taken += messages[i].msg_len;
        if (send(fd, &taken, sizeof taken, 0) < 0) fail("send");
        for (int i = 0; i < got; i++) {
            size_t length = messages[i].msg_len;
            size_t segment = segment_of(&messages[i].msg_hdr, length);
            for (size_t at = 0; at < length; at += segment)
                take(&writer, context, bytes[i] + at, length - at < segment ? length - at : segment);
        }
    }
    fold_end(&writer.fold, report->roots[1]);
    close(writer.file);
    report->end = now(CLOCK_MONOTONIC);
    report->processor[1] = now(CLOCK_PROCESS_CPUTIME_ID);
}

// MARK: Both

static int bound(struct sockaddr_in *address) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    int bytes = BUFFER, on = 1;
    socklen_t length = sizeof *address;
    *address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (fd < 0 || bind(fd, (struct sockaddr *)address, length) < 0) fail("bind");
    if (getsockname(fd, (struct sockaddr *)address, &length) < 0) fail("getsockname");
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &bytes, sizeof bytes) < 0)
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof bytes);
    if (setsockopt(fd, IPPROTO_UDP, UDP_GRO, &on, sizeof on) < 0) fail("UDP_GRO");
    return fd;
}

int main(int count, char **arguments) {
    if (count < 4) {
        fprintf(stderr, "usage: limit FILE TARGET DATAGRAM [WINDOW]\n");
        return 64;
    }
    size_t datagram = strtoul(arguments[3], NULL, 10);
    uint64_t window = count > 4 ? strtoul(arguments[4], NULL, 10) : 1 << 20;
    if (datagram <= OVERHEAD || datagram > RUN || window < RUN) {
        fprintf(stderr, "DATAGRAM must be 53-65507 bytes, WINDOW at least 65507\n");
        return 64;
    }
    struct stat info;
    if (stat(arguments[1], &info) < 0) fail(arguments[1]);
    if (info.st_size == 0) {
        fprintf(stderr, "%s is empty\n", arguments[1]);
        return 64;
    }
    struct report *report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (report == MAP_FAILED) fail("mmap");
    struct sockaddr_in addresses[2];
    int sockets[2] = {bound(&addresses[0]), bound(&addresses[1])};
    for (int i = 0; i < 2; i++)
        if (connect(sockets[i], (struct sockaddr *)&addresses[1 - i], sizeof addresses[0]) < 0) fail("connect");
    pid_t processes[2];
    for (int i = 0; i < 2; i++) {
        processes[i] = fork();
        if (processes[i] < 0) fail("fork");
        if (processes[i]) continue;
        close(sockets[1 - i]);
        if (i == 0) sender(sockets[0], arguments[1], datagram, window, report);
        else receiver(sockets[1], arguments[2], (uint64_t)info.st_size, report);
        exit(0);
    }
    close(sockets[0]);
    close(sockets[1]);
    bool good = true;
    for (int i = 0; i < 2; i++) {
        // If one fails, the other would wait forever.
        int status;
        pid_t ended = wait(&status);
        if (status == 0) continue;
        good = false;
        kill(processes[ended == processes[0]], SIGKILL);
    }
    if (!good) return 1;
    if (memcmp(report->roots[0], report->roots[1], sizeof report->roots[0])) {
        fprintf(stderr, "the copy differs\n");
        return 1;
    }
    printf("{\"bytes\": %lld, \"datagram\": %zu, \"datagrams\": %llu, \"wall_ns\": %lld, \"sender_ns\": %lld, "
           "\"receiver_ns\": %lld, \"sender_ns_per_byte\": %.3f, \"receiver_ns_per_byte\": %.3f, \"blake3\": \"",
           (long long)info.st_size, datagram, (unsigned long long)report->datagrams,
           (long long)(report->end - report->start), (long long)report->processor[0], (long long)report->processor[1],
           (double)report->processor[0] / (double)info.st_size, (double)report->processor[1] / (double)info.st_size);
    for (size_t i = 0; i < sizeof report->roots[0]; i++) printf("%02x", report->roots[0][i]);
    printf("\"}\n");
    return 0;
}
