#ifndef CLINUX_MEMORY_H
#define CLINUX_MEMORY_H

/// Keeps the allocator from keeping the memory of a burst: one arena, and large buffers outside it. A shim, because
/// mallopt(3) is a macro-guarded GNU extension. Call it once, before a second thread allocates and gets an arena.
void outpost_memory_frugal(void);

/// Returns free memory to the system now (malloc_trim(3)).
void outpost_memory_trim(void);

#endif
