#ifndef ALLOCATION_COUNT_H
#define ALLOCATION_COUNT_H

// How often this process has asked for memory. Only glibc; 0 always under a sanitizer, which has its own malloc.
unsigned long allocation_count(void);

// Allocates and frees once, where an optimizer would leave both out.
void allocate_once(void);

#endif
