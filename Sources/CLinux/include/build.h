#ifndef CLINUX_BUILD_H
#define CLINUX_BUILD_H

/// The commit that the manifest found. A shim, because Swift has no macros with values.
const char *outpost_build_commit(void);

#endif
