#define _GNU_SOURCE
#include "network_namespace.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static void set_address(struct ifreq *request, const char *text) {
    struct sockaddr_in address = {.sin_family = AF_INET};
    inet_pton(AF_INET, text, &address.sin_addr);
    memcpy(&request->ifr_addr, &address, sizeof address);
}

static int bring_up(struct ifreq *request) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    request->ifr_flags = IFF_UP | IFF_RUNNING;
    int result = ioctl(fd, SIOCSIFFLAGS, request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int set_loopback_mtu(int mtu) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0) return -errno;
    struct ifreq request = {.ifr_name = "lo", .ifr_mtu = mtu};
    int result = ioctl(fd, SIOCSIFMTU, &request) < 0 ? -errno : 0;
    close(fd);
    return result;
}

int enter_network_namespace(int mtu) {
    if (unshare(CLONE_NEWNET) < 0) return -errno;
    int result = set_loopback_mtu(mtu);
    struct ifreq request = {.ifr_name = "lo"};
    return result < 0 ? result : bring_up(&request);
}

int add_silent_device(void) {
    int device = open("/dev/net/tun", O_RDWR | O_CLOEXEC);
    if (device < 0) return -errno;
    struct ifreq request = {.ifr_name = "silent", .ifr_flags = IFF_TAP | IFF_NO_PI};
    int result = ioctl(device, TUNSETIFF, &request) < 0 ? -errno : 0;
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (result == 0 && fd < 0) result = -errno;
    set_address(&request, "198.51.100.1");
    if (result == 0 && ioctl(fd, SIOCSIFADDR, &request) < 0) result = -errno;
    set_address(&request, "255.255.255.0");
    if (result == 0 && ioctl(fd, SIOCSIFNETMASK, &request) < 0) result = -errno;
    if (fd >= 0) close(fd);
    if (result == 0) result = bring_up(&request);
    if (result == 0) return device;
    close(device);
    return result;
}
