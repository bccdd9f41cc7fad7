#ifndef CLINUX_BUILD_H
#define CLINUX_BUILD_H

/// The commit this was built from, as the manifest found it. A shim, because Swift has no definitions with values.
const char *outpost_build_commit(void);

#endif
