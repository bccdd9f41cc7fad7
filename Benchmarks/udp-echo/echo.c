// The smallest UDP echo there is: what our echo server's round trip is compared with.
// cc -O2 -o echo echo.c; ./echo PORT prints "ready PORT" and echoes on 127.0.0.1 until it is killed.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

int main(int argc, char **argv) {
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    struct sockaddr_in local = {.sin_family = AF_INET, .sin_port = htons(argc > 1 ? (uint16_t)atoi(argv[1]) : 0)};
    local.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t length = sizeof local;
    if (fd < 0 || bind(fd, (struct sockaddr *)&local, sizeof local) < 0) {
        perror("echo");
        return 1;
    }
    getsockname(fd, (struct sockaddr *)&local, &length);
    printf("ready %u\n", ntohs(local.sin_port));
    fflush(stdout);
    static unsigned char bytes[65536];
    for (;;) {
        struct sockaddr_in peer;
        socklen_t peer_length = sizeof peer;
        ssize_t got = recvfrom(fd, bytes, sizeof bytes, 0, (struct sockaddr *)&peer, &peer_length);
        if (got >= 0) sendto(fd, bytes, (size_t)got, 0, (struct sockaddr *)&peer, peer_length);
    }
}
