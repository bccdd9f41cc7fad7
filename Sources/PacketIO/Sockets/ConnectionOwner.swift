internal import CLinux
internal import Glibc

/// The process at the other end of a connection over loopback.
package enum ConnectionOwner {
    /// Whether the process that connected runs as the same user as this one. Also false if the kernel cannot tell, and
    /// if that end has been closed again.
    ///
    /// - Parameters:
    ///   - remote: the connecting socket's address, IPv4, of this machine.
    ///   - local: the address that it connected to.
    package static func isThisUser(remote: InternetAddress, local: InternetAddress) -> Bool {
        guard remote.host.isIPv4, local.host.isIPv4 else { return false }
        var user: UInt32 = 0
        // Our remote end is the local end of the socket to look up. Writes one number.
        let code = unsafe outpost_tcp_owner(
            remote.host.ipv4.bigEndian,
            remote.port.bigEndian,
            local.host.ipv4.bigEndian,
            local.port.bigEndian,
            &user
        )
        return code == 0 && user == geteuid()
    }
}
