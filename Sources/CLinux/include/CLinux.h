// What Glibc hides from Swift, and nothing else. Each shim says why it exists.
#ifndef CLINUX_H
#define CLINUX_H

#include "arguments.h"
#include "build.h"
#include "host.h"
#include "memory.h"
#include "packet_io.h"
#include "packet_socket.h"
#include "process.h"
#include "socket_owner.h"

#endif
