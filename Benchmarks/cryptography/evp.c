// Seals and opens the same records with libcrypto's EVP calls alone, to compare the library's cipher with.
//
//   evp xchacha20|aes256gcm LENGTH COUNT
//       prints the nanoseconds of processor time that sealing and opening one record takes
//
// Key and cipher are set once for each direction. xchacha20 is ChaCha20-Poly1305 here, because the library derives its
// key only once.
#include <openssl/evp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const unsigned char header[10] = {7, 7, 7, 7, 7, 7, 7, 7, 7, 7};

static const long warmUp = 1000;

static void require(int result) {
    if (result != 1) {
        fprintf(stderr, "libcrypto failed\n");
        exit(1);
    }
}

static EVP_CIPHER_CTX *make(const EVP_CIPHER *cipher, int encrypting) {
    unsigned char key[32];
    for (int i = 0; i < 32; i++) key[i] = (unsigned char)i;
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(EVP_CipherInit_ex(context, cipher, NULL, key, NULL, encrypting));
    return context;
}

static void run(EVP_CIPHER_CTX *context, unsigned char *bytes, int length, uint64_t counter, int encrypting) {
    unsigned char nonce[12] = {0};
    int written = 0;
    memcpy(nonce + 4, &counter, 8);
    require(EVP_CipherInit_ex(context, NULL, NULL, NULL, nonce, encrypting));
    require(EVP_CipherUpdate(context, NULL, &written, header, sizeof header));
    if (!encrypting) require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, 16, bytes + length));
    require(EVP_CipherUpdate(context, bytes, &written, bytes, length));
    require(EVP_CipherFinal_ex(context, NULL, &written));
    if (encrypting) require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, 16, bytes + length));
}

int main(int count, char **arguments) {
    if (count != 4) return 2;
    int isAES = !strcmp(arguments[1], "aes256gcm"), length = atoi(arguments[2]);
    long records = atol(arguments[3]);
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, isAES ? "AES-256-GCM" : "ChaCha20-Poly1305", NULL);
    EVP_CIPHER_CTX *sealer = make(cipher, 1), *opener = make(cipher, 0);
    unsigned char *bytes = calloc(1, (size_t)length + 16);
    struct timespec start, end;
    for (long record = 0; record < warmUp + records; record++) {
        if (record == warmUp) clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
        run(sealer, bytes, length, (uint64_t)record, 1);
        run(opener, bytes, length, (uint64_t)record, 0);
    }
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    printf("%f\n", ((double)(end.tv_sec - start.tv_sec) * 1e9 + (double)(end.tv_nsec - start.tv_nsec)) / (double)records);
    return 0;
}
