#ifndef CLINUX_PROCESS_H
#define CLINUX_PROCESS_H

#include <sys/types.h>

/// Starts `file` (looked up in PATH when it has no slash) as the leader of a new process group, with standard input from
/// /dev/null and standard output and error to the given descriptors.
///
/// A shim, because only code between fork and exec can tie the child's life to ours (PR_SET_PDEATHSIG), and no Swift may run
/// there. The child is killed when the *thread* that called this ends: the caller keeps its thread until the child is gone.
///
/// Returns 0 and the process id, or the errno of what failed, exec included.
int outpost_spawn(const char *file, char *const argv[], char *const envp[], int output, int error, pid_t *pid);

/// pipe2(2), which Glibc shows only under _GNU_SOURCE. Both ends are closed on exec. Returns 0 or the errno.
int outpost_pipe(int ends[2]);

/// Whether the process ignores a signal, as nohup makes it. The handler of sigaction is a macro, which Swift does not see.
int outpost_ignores_signal(int number);

#endif
