#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static void become(const char *file, char *const argv[], char *const envp[], int output, int error, pid_t parent,
                   int report) {
    setpgid(0, 0);
    // The parent may have died before the next line; then nobody would deliver the signal.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);

    // Handlers and masks of the parent are not the child's business; ignored signals would survive exec.
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);

    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (null >= 0 && dup2(null, 0) >= 0 && dup2(output, 1) >= 0 && dup2(error, 2) >= 0) {
        // Sockets and files of the parent that lack the flag must not leak into the child.
        close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
        execvpe(file, argv, envp);
    }
    int code = errno;
    if (write(report, &code, sizeof code) < 0) _exit(126);
    _exit(127);
}

int outpost_spawn(const char *file, char *const argv[], char *const envp[], int output, int error, pid_t *pid) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    pid_t parent = getpid();

    // No handler of ours may run in the child before it has reset them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t child = fork();
    int code = errno;
    if (child == 0) become(file, argv, envp, output, error, parent, report[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (child < 0) {
        close(report[0]);
        return code;
    }
    setpgid(child, child);  // In both, so that neither side can be first without it.

    ssize_t count;
    do count = read(report[0], &code, sizeof code); while (count < 0 && errno == EINTR);
    close(report[0]);
    if (count == (ssize_t)sizeof code) {
        waitpid(child, NULL, 0);
        return code;
    }
    *pid = child;
    return 0;
}

int outpost_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
}

int outpost_ignores_signal(int number) {
    struct sigaction present;
    return sigaction(number, NULL, &present) == 0 && present.sa_handler == SIG_IGN;
}
