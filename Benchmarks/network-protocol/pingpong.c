// The minimum cost of a request and its response: two processes, one message in flight, blocking read and write on a
// Unix socket.
// cc -O2 -o pingpong pingpong.c; ./pingpong REQUEST_BYTES RESPONSE_BYTES SECONDS
// Prints the median and the 99th percentile of the round trips in nanoseconds, and their number.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

enum { LONGEST = 1 << 16, MOST = 1 << 22 };

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int take(int socket, char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = read(socket, bytes + done, count - done);
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

static int give(int socket, const char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t put = write(socket, bytes + done, count - done);
        if (put <= 0) return 0;
        done += (size_t)put;
    }
    return 1;
}

static int rising(const void *first, const void *second) {
    uint64_t a = *(const uint64_t *)first, b = *(const uint64_t *)second;
    return a < b ? -1 : a > b;
}

int main(int count, char **words) {
    static char bytes[LONGEST];
    size_t request = count == 4 ? strtoul(words[1], NULL, 10) : 0;
    size_t response = count == 4 ? strtoul(words[2], NULL, 10) : 0;
    double seconds = count == 4 ? strtod(words[3], NULL) : 0;
    if (request < 1 || request > LONGEST || response < 1 || response > LONGEST || seconds <= 0) {
        fprintf(stderr, "pingpong REQUEST_BYTES RESPONSE_BYTES SECONDS\n");
        return 64;
    }
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM, 0, ends)) return perror("socketpair"), 1;
    pid_t child = fork();
    if (child < 0) return perror("fork"), 1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(ends[0]);
        while (take(ends[1], bytes, request) && give(ends[1], bytes, response)) {}
        _exit(0);
    }
    close(ends[1]);
    uint64_t *samples = malloc(sizeof *samples * MOST);
    if (!samples) return perror("malloc"), 1;
    size_t taken = 0;
    uint64_t start = now(), end = start + (uint64_t)(seconds * 1e9), before = start;
    while (before < end && taken < MOST) {
        if (!give(ends[0], bytes, request) || !take(ends[0], bytes, response)) return perror("pingpong"), 1;
        uint64_t after = now();
        samples[taken++] = after - before;
        before = after;
    }
    close(ends[0]);
    waitpid(child, NULL, 0);
    qsort(samples, taken, sizeof *samples, rising);
    printf("%llu %llu %zu\n", (unsigned long long)samples[taken / 2], (unsigned long long)samples[taken * 99 / 100], taken);
    return 0;
}
