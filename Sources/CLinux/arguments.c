#include "arguments.h"

static int count;
static char **values;

__attribute__((constructor)) static void take(int argc, char **argv, char **envp) {
    (void)envp;
    count = argc;
    values = argv;
}

int outpost_argument_count(void) { return count; }

char *const *outpost_arguments(void) { return values; }
