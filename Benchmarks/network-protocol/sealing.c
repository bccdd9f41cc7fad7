// The cost of sealed records alone: one process seals records of the packet protocol's size with ChaCha20-Poly1305 and
// writes them, another reads and opens them, over one TCP connection on loopback with blocking calls.
// cc -O2 -o sealing sealing.c -lcrypto; ./sealing RECORD_BYTES SECONDS
// Prints the bits a second that were opened.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { HEADER = 10, TAG = 16, LONGEST = 1 << 20 };

static const unsigned char key[32] = {1};

static uint64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000 + (uint64_t)time.tv_nsec;
}

static int take(int socket, unsigned char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t got = read(socket, bytes + done, count - done);
        if (got <= 0) return 0;
        done += (size_t)got;
    }
    return 1;
}

static int give(int socket, const unsigned char *bytes, size_t count) {
    for (size_t done = 0; done < count;) {
        ssize_t put = write(socket, bytes + done, count - done);
        if (put <= 0) return 0;
        done += (size_t)put;
    }
    return 1;
}

// One record in place, with the header as associated data and the counter as nonce. Keys are set once.
static int record(EVP_CIPHER_CTX *context, unsigned char *bytes, size_t length, uint64_t counter, int sealing) {
    unsigned char nonce[12] = {0};
    memcpy(nonce + 4, &counter, sizeof counter);
    unsigned char *payload = bytes + HEADER, *tag = payload + length;
    int written;
    if (!EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, sealing)) return 0;
    if (!sealing && !EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, TAG, tag)) return 0;
    if (!EVP_CipherUpdate(context, NULL, &written, bytes, HEADER)) return 0;
    if (!EVP_CipherUpdate(context, payload, &written, payload, (int)length)) return 0;
    if (EVP_CipherFinal_ex(context, NULL, &written) != 1) return 0;
    return !sealing || EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, TAG, tag);
}

int main(int count, char **words) {
    static unsigned char bytes[HEADER + LONGEST + TAG];
    size_t length = count == 3 ? strtoul(words[1], NULL, 10) : 0;
    double seconds = count == 3 ? strtod(words[2], NULL) : 0;
    if (length < 1 || length > LONGEST || seconds <= 0) {
        fprintf(stderr, "sealing RECORD_BYTES SECONDS\n");
        return 64;
    }
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (!context || !EVP_CipherInit_ex(context, EVP_chacha20_poly1305(), NULL, key, NULL, 1)) return 1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, size) || listen(listener, 1)
        || getsockname(listener, (struct sockaddr *)&address, &size)) return perror("listen"), 1;
    pid_t child = fork();
    if (child < 0) return perror("fork"), 1;
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        int end = socket(AF_INET, SOCK_STREAM, 0);
        if (end < 0 || connect(end, (struct sockaddr *)&address, size)) _exit(1);
        for (uint64_t counter = 0;; counter++) {
            // Sealing in place changes the bytes, which does not change its cost.
            if (!record(context, bytes, length, counter, 1)) _exit(1);
            if (!give(end, bytes, HEADER + length + TAG)) _exit(0);
        }
    }
    int end = accept(listener, NULL, NULL);
    if (end < 0) return perror("accept"), 1;
    uint64_t start = now(), stop = start + (uint64_t)(seconds * 1e9), last = start, opened = 0;
    while (last < stop) {
        if (!take(end, bytes, HEADER + length + TAG)) return perror("read"), 1;
        if (!record(context, bytes, length, opened, 0)) return fprintf(stderr, "a record is not authentic\n"), 1;
        opened++;
        last = now();
    }
    close(end);
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    printf("%.0f\n", (double)opened * (double)length * 8 / ((double)(last - start) / 1e9));
    return 0;
}
