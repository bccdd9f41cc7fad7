// Who owns a TCP connection of this machine (sock_diag(7)), whose structures Glibc does not have.
#ifndef OUTPOST_SOCKET_OWNER_H
#define OUTPOST_SOCKET_OWNER_H

#include <stdint.h>

// The effective user of the process that made the IPv4 socket with this local and remote address; all four numbers in
// network byte order. 0, or an errno: ENOENT when there is no such socket, ENOTCONN when it is not connected any more,
// for then the kernel has forgotten whose it was.
int outpost_tcp_owner(uint32_t local, uint16_t local_port, uint32_t remote, uint16_t remote_port,
                      uint32_t *_Nonnull uid);

#endif
