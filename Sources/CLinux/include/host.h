// Facts about the host, from calls that Glibc's Swift module hides or types awkwardly.
#ifndef OUTPOST_HOST_H
#define OUTPOST_HOST_H

#include <stddef.h>
#include <stdint.h>

/// The kernel's clock discipline, from adjtimex(2) with no modes set (needs no privilege). `struct timex` is invisible
/// to Swift.
struct outpost_clock_state {
    /// What adjtimex returned: TIME_OK 0 … TIME_ERROR 5.
    int state;
    /// 1 if STA_UNSYNC is set.
    int unsynchronized;
    /// Estimated and maximum error, microseconds.
    int64_t estimated_error_us;
    int64_t maximum_error_us;
};

/// Fills `out`. Returns 0 or an errno (a sandbox may refuse the call).
int outpost_clock_state(struct outpost_clock_state *out);

/// The name of the interface that has this address (text: IPv4, IPv6, or IPv6 with a zone such as `fe80::1%eth0`), from
/// getifaddrs(3). An IPv4 address in its IPv6-mapped form is looked up as IPv4. Returns 0; EINVAL for an invalid
/// address; ENODEV if no interface has it; or another errno. `name` has room for at least 16 bytes (IFNAMSIZ) and is
/// terminated.
int outpost_interface_of_address(const char *address, char *name);

/// A TCP port of 127.0.0.1 that was free a moment ago, or -1.
int outpost_free_loopback_port(void);

/// Soft and hard limit of open files. `RLIMIT_NOFILE` is an enumerator of an anonymous-tagged type in Glibc.
int outpost_file_limit(uint64_t *soft, uint64_t *hard);

/// Raises the soft limit of open files to the hard one.
int outpost_raise_file_limit(void);

/// Columns of the terminal behind a descriptor; 0 if it is no terminal or reports none. `ioctl` is variadic.
int outpost_terminal_columns(int descriptor);

/// CLOCK_MONOTONIC and CLOCK_REALTIME in nanoseconds.
uint64_t outpost_monotonic_ns(void);
int64_t outpost_realtime_ns(void);

/// Sends one datagram to a closed UDP port of 127.0.0.1 (or ::1) and waits at most `timeout_ms` for the ICMP
/// port-unreachable, which Linux reports as ECONNREFUSED. Returns 0 if it arrived, ETIMEDOUT if it did not, or another
/// errno.
int outpost_probe_closed_udp(int family, int timeout_ms);

/// Connects to a closed TCP port of the loopback address. Returns 0 if it was refused with a reset, ETIMEDOUT without
/// an answer, or another errno.
int outpost_probe_closed_tcp(int family, int timeout_ms);

#endif
