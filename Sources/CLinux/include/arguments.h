#ifndef OUTPOST_ARGUMENTS_H
#define OUTPOST_ARGUMENTS_H

/* The arguments that the kernel put on the stack. Swift's CommandLine reads /proc/self/cmdline, which a chroot or a
   container may not have, and then knows none. glibc hands these to constructors before main. */
int outpost_argument_count(void);
char *const *outpost_arguments(void);

#endif
