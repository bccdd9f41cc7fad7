#ifndef NETWORK_NAMESPACE_H
#define NETWORK_NAMESPACE_H

// Moves the calling thread, and no other, into a new network namespace: a loopback device with this MTU, and nothing
// else. Returns 0 or the negative errno. Needs root. A shim, because unshare(2) and ioctl(2) are hidden from Swift.
int enter_network_namespace(int mtu);

// Changes the MTU of the loopback device in the calling thread's namespace. Returns 0 or the negative errno.
int set_loopback_mtu(int mtu);

// Adds to the calling thread's namespace an Ethernet device with the address 198.51.100.1/24. No neighbor of it
// answers, so that what is sent there waits in its sender's buffer. Returns its descriptor or the negative errno.
int add_silent_device(void);

#endif
