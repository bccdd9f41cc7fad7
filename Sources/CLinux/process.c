#define _GNU_SOURCE
#include "process.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

// The parent's signal handlers and masks must not affect the child; ignored signals would survive exec.
static void reset_signals(void) {
    struct sigaction standard = {.sa_handler = SIG_DFL};
    for (int number = 1; number < NSIG; number++) sigaction(number, &standard, NULL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

// Gives the child its descriptors and no others; 0 if one could not be duplicated. `report` moves out of their way.
static int place_descriptors(const struct outpost_child *child, int *report) {
    int first = 3 + child->descriptor_count;
    *report = fcntl(*report, F_DUPFD_CLOEXEC, first);
    if (*report < 0) return 0;
    int input = child->input < 0 ? open("/dev/null", O_RDONLY | O_CLOEXEC) : child->input;
    // All above the target numbers, so that none is overwritten before it is placed.
    input = fcntl(input, F_DUPFD_CLOEXEC, first);
    int output = fcntl(child->output, F_DUPFD_CLOEXEC, first);
    int error = fcntl(child->error, F_DUPFD_CLOEXEC, first);
    if (input < 0 || output < 0 || error < 0) return 0;
    int moved[child->descriptor_count + 1];
    for (int index = 0; index < child->descriptor_count; index++) {
        moved[index] = fcntl(child->descriptors[index], F_DUPFD_CLOEXEC, first);
        if (moved[index] < 0) return 0;
    }
    if (dup2(input, 0) < 0 || dup2(output, 1) < 0 || dup2(error, 2) < 0) return 0;
    for (int index = 0; index < child->descriptor_count; index++) {
        if (dup2(moved[index], 3 + index) < 0) return 0;
    }
    // Sockets and files of the parent without the close-on-exec flag must not leak into the child.
    close_range(first, ~0U, CLOSE_RANGE_CLOEXEC);
    return 1;
}

static void become(const struct outpost_child *child, pid_t parent, int report) {
    if (child->outlives) {
        // The system adopts and reaps a grandchild whose parent ends at once.
        if (setsid() < 0) _exit(126);
        pid_t second = fork();
        if (second > 0) _exit(0);
        pid_t self = getpid();
        if (second < 0 || write(report, &self, sizeof self) != sizeof self) _exit(126);
        setpgid(0, 0);
    } else {
        setpgid(0, 0);
        // If the parent died before the call, the signal never comes.
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent) _exit(127);
    }
    reset_signals();
    if (place_descriptors(child, &report)) execvpe(child->file, child->argv, child->envp);
    int code = errno;
    if (write(report, &code, sizeof code) < 0) _exit(126);
    _exit(127);
}

// Reads a whole int, or nothing at the end of the pipe.
static int read_number(int descriptor, int *number) {
    ssize_t count;
    do count = read(descriptor, number, sizeof *number); while (count < 0 && errno == EINTR);
    return count == (ssize_t)sizeof *number;
}

int outpost_spawn(const struct outpost_child *child, pid_t *pid) {
    int report[2];
    if (pipe2(report, O_CLOEXEC) != 0) return errno;
    pid_t parent = getpid();

    // No handler of ours may run in the child before the child has reset them.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    pid_t forked = fork();
    int code = errno;
    if (forked == 0) become(child, parent, report[1]);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(report[1]);
    if (forked < 0) {
        close(report[0]);
        return code;
    }
    int self = forked;
    int known = 1;
    if (child->outlives) {
        known = read_number(report[0], &self);
    } else {
        setpgid(forked, forked);  // in both processes, so that neither runs first without it
    }
    int failed = read_number(report[0], &code);
    close(report[0]);
    if (child->outlives || failed) {
        while (waitpid(forked, NULL, 0) < 0 && errno == EINTR) {}
    }
    if (!known) return EAGAIN;
    if (failed) return code;
    *pid = self;
    return 0;
}

int outpost_pipe(int ends[2]) {
    return pipe2(ends, O_CLOEXEC) == 0 ? 0 : errno;
}

static int hangup_was_ignored;

__attribute__((constructor)) static void look_up_hangup(void) {
    struct sigaction present;
    hangup_was_ignored = sigaction(SIGHUP, NULL, &present) == 0 && present.sa_handler == SIG_IGN;
}

int outpost_hangup_was_ignored(void) { return hangup_was_ignored; }
