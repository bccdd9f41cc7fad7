internal import CLinux
internal import Glibc
package import SystemErrors

/// Bytes over a socket, without pointers. Results are counts or minus the errno.
extension SocketDescriptor {
    /// Sends what the socket takes. Never raises SIGPIPE.
    /// - Parameter waits: for room in the socket's buffer.
    package func send(_ bytes: [UInt8], waits: Bool = true) -> Int {
        // The bytes are only read, and only during the call.
        unsafe bytes.withUnsafeBytes { unsafe SystemCall.send(raw, $0, flags: waits ? 0 : Int32(MSG_DONTWAIT)) }
    }

    /// Takes up to `count` bytes that are there, without waiting; none at the end of the stream.
    package func receiveNow(atMost count: Int) -> Result<[UInt8], SystemError> {
        var bytes = [UInt8](repeating: 0, count: count)
        let raw = self.raw
        // The kernel writes at most the array's length.
        let got = unsafe bytes.withUnsafeMutableBytes {
            unsafe SystemCall.receive(raw, $0, flags: Int32(MSG_DONTWAIT))
        }
        guard got >= 0 else { return .failure(SystemError(call: "recv", code: Int32(-got))) }
        return .success(Array(bytes.prefix(got)))
    }

    /// Makes the kernel stamp each datagram on its arrival.
    /// - Parameters:
    ///   - isIPv6: the socket's family.
    ///   - isWildcard: replies must carry the address that was sent to.
    package func stampArrivals(isIPv6: Bool, isWildcard: Bool) throws(SystemError) {
        _ = try SystemCall.check(outpost_udp_options(raw, isIPv6, isWildcard), "setsockopt", "SO_TIMESTAMPNS")
    }

    /// Datagrams that the kernel dropped because nothing took them in time.
    package var kernelDrops: UInt64 { UInt64(outpost_socket_drops(raw)) }

    /// The largest packet to where the socket is connected, as the kernel knows it; nil when it does not.
    package var pathMTU: Int? { Socket.pathMTU(raw) }

    package func setBlocking(_ isBlocking: Bool, for subject: InternetAddress) throws(SystemError) {
        _ = try SystemCall.check(SystemCall.setBlocking(raw, isBlocking), "fcntl", subject)
    }
}
