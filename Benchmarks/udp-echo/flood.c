// Floods a UDP echo on 127.0.0.1 and counts what comes back: the packets a second that one server thread can answer.
//
//   cc -O2 -o flood flood.c
//   flood PORT SECONDS ours TOKEN     our echo datagram, TOKEN as 32 hexadecimal digits
//   flood PORT SECONDS irtt           opens an irtt test first (protocol version 1), then its echo requests
//   flood PORT SECONDS plain          any 60 bytes
//
// Both kinds have 60-byte datagrams. What comes back counts whether this process takes it from its queue or the kernel
// drops it there because the flood left no time: either way the server sent it. One socket, one core: pin it.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#ifndef UDP_SEGMENT
#define UDP_SEGMENT 103
#endif

enum { BATCH = 64, LENGTH = 60 };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int put_varint(uint8_t *to, uint64_t value) {
    int used = 0;
    while (value >= 0x80) to[used++] = (uint8_t)value | 0x80, value >>= 7;
    to[used++] = (uint8_t)value;
    return used;
}

// Go's PutUvarint key and PutVarint (zigzag) value.
static int put_parameter(uint8_t *to, unsigned key, int64_t value) {
    int used = put_varint(to, key);
    return used + put_varint(to + used, (uint64_t)value << 1);
}

static int open_irtt(int fd, uint64_t *token) {
    uint8_t request[256] = {0x14, 0xa7, 0x5b, 1}, reply[256];
    int used = 4; // an open request has no connection token
    used += put_parameter(request + used, 1, 1);                // protocol version
    used += put_parameter(request + used, 2, 3600000000000LL);  // duration
    used += put_parameter(request + used, 3, 1000);             // interval
    used += put_parameter(request + used, 4, LENGTH);           // length
    used += put_parameter(request + used, 5, 3);                // received statistics: both
    used += put_parameter(request + used, 6, 3);                // time stamps: both
    used += put_parameter(request + used, 7, 3);                // clocks: both
    for (int i = 0; i < 10; i++) {
        send(fd, request, (size_t)used, 0);
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 500) <= 0) continue;
        ssize_t got = recv(fd, reply, sizeof reply, MSG_DONTWAIT);
        if (got < 12 || !(reply[3] & 1)) continue;
        memcpy(token, reply + 4, 8);
        return *token != 0;
    }
    return 0;
}

static uint32_t drops(int fd) {
    uint32_t values[SK_MEMINFO_VARS] = {0};
    socklen_t length = sizeof values;
    getsockopt(fd, SOL_SOCKET, SO_MEMINFO, values, &length);
    return values[SK_MEMINFO_DROPS];
}

static uint8_t out[BATCH][LENGTH], in[BATCH][2048];

int main(int argc, char **argv) {
    if (argc < 4) return fprintf(stderr, "usage: flood PORT SECONDS ours TOKEN | irtt | plain\n"), 1;
    int fd = socket(AF_INET, SOCK_DGRAM, 0), size = 4 << 20;
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) < 0) return perror("flood"), 1;
    int is_irtt = !strcmp(argv[3], "irtt");
    uint64_t token = 0;
    if (is_irtt && !open_irtt(fd, &token)) return fprintf(stderr, "flood: irtt gave no token\n"), 1;
    int segment = LENGTH;
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &segment, sizeof segment) < 0) return perror("UDP_SEGMENT"), 1;
    struct mmsghdr receive_headers[BATCH] = {0};
    struct iovec receive_vectors[BATCH];
    for (int i = 0; i < BATCH; i++) {
        if (is_irtt) {
            memcpy(out[i], "\x14\xa7\x5b", 3);
            memcpy(out[i] + 4, &token, 8);
        } else {
            memcpy(out[i], "PPE1", 4);
            for (int k = 0; argc > 4 && k < 16; k++) {
                unsigned byte = 0;
                sscanf(argv[4] + 2 * k, "%2x", &byte);
                out[i][8 + k] = (uint8_t)byte;
            }
        }
        receive_vectors[i] = (struct iovec){in[i], sizeof in[i]};
        receive_headers[i].msg_hdr = (struct msghdr){.msg_iov = &receive_vectors[i], .msg_iovlen = 1};
    }
    double start = now(), seconds = atof(argv[2]), end = start + seconds;
    uint64_t sequence = 0, sent = 0, received = 0;
    uint32_t dropped_before = drops(fd);
    while (now() < end) {
        for (int i = 0; i < BATCH; i++, sequence++) {
            uint64_t big = htobe64(sequence);
            uint32_t small = (uint32_t)sequence;
            if (is_irtt) memcpy(out[i] + 12, &small, 4);
            else memcpy(out[i] + 24, &big, 8);
        }
        // One segmented message: the flood must cost its own core less than the server's answers cost the other.
        if (send(fd, out, sizeof out, 0) > 0) sent += BATCH;
        int got = recvmmsg(fd, receive_headers, BATCH, MSG_DONTWAIT, NULL);
        if (got > 0) received += (uint64_t)got;
    }
    double took = now() - start;
    uint64_t back = received + (drops(fd) - dropped_before);
    printf("%.0f %.0f\n", (double)back / took, (double)sent / took);
}
