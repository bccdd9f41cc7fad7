// Counts what the whole process allocates and locks, libcrypto and the runtime included. Only for a program of its own,
// because linking this replaces malloc and its relatives there.
#ifndef OUTPOST_CALL_COUNTER_H
#define OUTPOST_CALL_COUNTER_H

#include <stdbool.h>

// False in a program with a sanitizer, which has a malloc of its own.
bool outpost_calls_are_counted(void);
// Calls so far that gave memory.
unsigned long outpost_allocations(void);
// Calls so far that took a mutex, or a read-write lock in either way.
unsigned long outpost_locks(void);
// Takes a mutex once, and allocates once where an optimizer would leave it out: controls.
void outpost_lock_once(void);
void outpost_allocate_once(void);

#endif
