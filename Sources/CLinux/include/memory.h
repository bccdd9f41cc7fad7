#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

/// Keeps the allocator from holding what a burst needed: one arena, and large buffers apart from it. A shim, because
/// mallopt(3) is a macro-guarded GNU extension. Call once, before a second thread takes memory: it would have an arena.
void outpost_memory_frugal(void);

/// Gives free memory back to the system now (malloc_trim(3)).
void outpost_memory_trim(void);

#endif
