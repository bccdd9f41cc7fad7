#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

/// Keeps the allocator from holding what a burst needed: two arenas at most, and freed memory goes back early. A shim,
/// because mallopt(3) is a macro-guarded GNU extension. Call once and early: arenas that threads have made by then stay.
void outpost_memory_frugal(void);

/// Gives free memory back to the system now (malloc_trim(3)).
void outpost_memory_trim(void);

#endif
