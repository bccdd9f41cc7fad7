#define _GNU_SOURCE
#include "CCallCounter.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdlib.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

void outpost_lock_once(void) {
    pthread_mutex_lock(&mutex);
    pthread_mutex_unlock(&mutex);
}

void outpost_allocate_once(void) {
    void *volatile memory = malloc(64);
    free(memory);
}

#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)

bool outpost_calls_are_counted(void) { return false; }
unsigned long outpost_allocations(void) { return 0; }
unsigned long outpost_locks(void) { return 0; }

#else

static _Atomic unsigned long allocations, locks;

bool outpost_calls_are_counted(void) { return true; }
unsigned long outpost_allocations(void) { return allocations; }
unsigned long outpost_locks(void) { return locks; }

// glibc's own names for what is replaced here. `free` stays glibc's.
extern void *__libc_malloc(size_t);
extern void *__libc_calloc(size_t, size_t);
extern void *__libc_realloc(void *, size_t);
extern void *__libc_memalign(size_t, size_t);

void *malloc(size_t size) {
    allocations++;
    return __libc_malloc(size);
}

void *calloc(size_t number, size_t size) {
    allocations++;
    return __libc_calloc(number, size);
}

void *realloc(void *memory, size_t size) {
    allocations++;
    return __libc_realloc(memory, size);
}

void *aligned_alloc(size_t alignment, size_t size) {
    allocations++;
    return __libc_memalign(alignment, size);
}

int posix_memalign(void **memory, size_t alignment, size_t size) {
    allocations++;
    *memory = __libc_memalign(alignment, size);
    return *memory ? 0 : 12;
}

// Calls glibc's function of this name, which it has under no other one.
#define COUNTED_LOCK(name, type) \
    int name(type *taken) { \
        static int (*_Atomic original)(type *); \
        locks++; \
        if (original == NULL) original = (int (*)(type *))dlsym(RTLD_NEXT, #name); \
        return original(taken); \
    }

COUNTED_LOCK(pthread_mutex_lock, pthread_mutex_t)
COUNTED_LOCK(pthread_rwlock_rdlock, pthread_rwlock_t)
COUNTED_LOCK(pthread_rwlock_wrlock, pthread_rwlock_t)

#endif
