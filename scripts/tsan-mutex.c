// Tells the thread sanitizer what it cannot see: libswiftSynchronization locks and unlocks a contended `Mutex`, and it is not built
// with the sanitizer. Without this file, all state behind such a lock is reported as a race. scripts/race preloads it.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdbool.h>
#include <stdint.h>

// Functions of the sanitizer; absent in programs that are not built with it.
__attribute__((weak)) void __tsan_acquire(void *address);
__attribute__((weak)) void __tsan_release(void *address);
#define SWIFT __attribute__((swiftcall))

static void acquire(void *address) {
    if (__tsan_acquire) __tsan_acquire(address);
}

static void release(void *address) {
    if (__tsan_release) __tsan_release(address);
}

// The function that this one interposes.
#define REAL(type, name) ((type *)dlsym(RTLD_NEXT, name))

// Methods of `_MutexHandle`. Its only field is the word on which the uncontended paths synchronize; those are compiled into the
// user of the lock.
#define SELF __attribute__((swift_context)) void *self
#define LOCK "$s15Synchronization12_MutexHandleV9_lockSlowyys6UInt32VF"
#define TRY_LOCK "$s15Synchronization12_MutexHandleV12_tryLockSlowSbyF"
#define UNLOCK "$s15Synchronization12_MutexHandleV11_unlockSlowyyF"

typedef SWIFT void lock_method(uint32_t thread, SELF);
typedef SWIFT bool try_lock_method(SELF);
typedef SWIFT void unlock_method(SELF);

SWIFT void lock_slow(uint32_t thread, SELF) __asm__(LOCK);
SWIFT bool try_lock_slow(SELF) __asm__(TRY_LOCK);
SWIFT void unlock_slow(SELF) __asm__(UNLOCK);

SWIFT void lock_slow(uint32_t thread, SELF) {
    REAL(lock_method, LOCK)(thread, self);
    acquire(self);
}

SWIFT bool try_lock_slow(SELF) {
    bool taken = REAL(try_lock_method, TRY_LOCK)(self);
    if (taken) acquire(self);
    return taken;
}

SWIFT void unlock_slow(SELF) {
    release(self);
    REAL(unlock_method, UNLOCK)(self);
}
