#include "build.h"

const char *outpost_build_commit(void) { return OUTPOST_COMMIT; }
