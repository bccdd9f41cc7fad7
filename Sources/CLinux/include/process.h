#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <sys/types.h>

/// A program to start.
struct outpost_child {
    /// Looked up in PATH when it has no slash.
    const char *file;
    char *const *argv;
    char *const *envp;
    /// Standard input, output and error; an input below 0 means /dev/null.
    int input;
    int output;
    int error;
    /// They become descriptors 3, 4, … of the child.
    const int *descriptors;
    int descriptor_count;
    /// Whether the child outlives us: it has a session of its own, and the system's first process reaps it.
    int outlives;
};

/// Starts a program as the leader of a new process group. All other descriptors are closed in it.
///
/// A shim, because only code between fork and exec can tie the child's life to ours (PR_SET_PDEATHSIG), and no Swift
/// may run there. A child that does not outlive us is killed when the *thread* that called this ends: the caller keeps
/// its thread until the child is gone.
///
/// Returns 0 and the process ID, or the errno of what failed, exec included.
int outpost_spawn(const struct outpost_child *child, pid_t *pid);

/// pipe2(2), which Glibc declares only under _GNU_SOURCE. Both ends are close-on-exec. Returns 0 or the errno.
int outpost_pipe(int ends[2]);

/// Whether the program was started to ignore SIGHUP, as by nohup. It was looked up before main: a program that handles
/// the signal changes the answer. The handler in sigaction is a macro, which Swift does not see.
int outpost_hangup_was_ignored(void);

#endif
