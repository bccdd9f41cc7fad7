// Delays the packets of two directions in a router: delay MICROSECONDS DEVICE DEVICE, for shares.py. What the router sends into a device
// (TUN) comes out of it again after that time, in order. Prints a line when the devices are there; ends with SIGTERM.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { capacity = 16384, largest = 2048 };

struct packet {
    int64_t due;
    ssize_t length;
    unsigned char bytes[largest];
};

struct direction {
    int device;
    // A ring: packets leave in the order in which they came.
    struct packet *packets;
    unsigned first, count;
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * 1000000000LL + time.tv_nsec;
}

static int open_device(const char *name) {
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK);
    struct ifreq request = {.ifr_flags = IFF_TUN | IFF_NO_PI};
    strncpy(request.ifr_name, name, IFNAMSIZ - 1);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) < 0) {
        perror(name);
        exit(1);
    }
    return device;
}

int main(int count, char **arguments) {
    if (count != 4) return 64;
    int64_t delay = atoll(arguments[1]) * 1000;
    struct direction directions[2];
    struct pollfd polled[2];
    for (int i = 0; i < 2; i++) {
        directions[i] = (struct direction){.device = open_device(arguments[2 + i]), .packets = calloc(capacity, sizeof(struct packet))};
        polled[i] = (struct pollfd){.fd = directions[i].device, .events = POLLIN};
    }
    puts("ready");
    fflush(stdout);
    for (;;) {
        int64_t next = INT64_MAX;
        for (int i = 0; i < 2; i++) {
            struct direction *d = &directions[i];
            // What finds no room is dropped by the kernel, at the device's queue.
            while (d->count < capacity) {
                struct packet *packet = &d->packets[(d->first + d->count) % capacity];
                packet->length = read(d->device, packet->bytes, largest);
                if (packet->length <= 0) break;
                packet->due = now() + delay;
                d->count++;
            }
            while (d->count && d->packets[d->first].due <= now()) {
                struct packet *packet = &d->packets[d->first];
                if (write(d->device, packet->bytes, packet->length) < 0 && errno != EINVAL && errno != EIO) break;
                d->first = (d->first + 1) % capacity;
                d->count--;
            }
            if (d->count && d->packets[d->first].due < next) next = d->packets[d->first].due;
            polled[i].events = d->count < capacity ? POLLIN : 0;
        }
        int64_t wait = next == INT64_MAX ? 1000000000 : next - now();
        if (wait < 0) wait = 0;
        struct timespec timeout = {.tv_sec = wait / 1000000000, .tv_nsec = wait % 1000000000};
        if (ppoll(polled, 2, &timeout, NULL) < 0 && errno != EINTR) return 1;
    }
}
