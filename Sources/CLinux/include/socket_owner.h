// The owner of a TCP connection on this machine (sock_diag(7)), whose structures Glibc lacks.
#ifndef OUTPOST_SOCKET_OWNER_H
#define OUTPOST_SOCKET_OWNER_H

#include <stdint.h>

// The effective user of the process that created the IPv4 socket with this local and remote address; all four numbers
// in network byte order. 0, or an errno: ENOENT if there is no such socket; ENOTCONN if it is no longer connected,
// because the kernel then forgets the owner.
int outpost_tcp_owner(uint32_t local, uint16_t local_port, uint32_t remote, uint16_t remote_port,
                      uint32_t *_Nonnull uid);

#endif
