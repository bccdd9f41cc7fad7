internal import Crypto
internal import Glibc
package import NIOCore
internal import NIOPosix
internal import NIOSSL

/// A channel's other end as text.
package enum PeerAddress {
    static func text(of channel: any Channel) -> String {
        // A client's end of a Unix socket has no name; the daemon's has.
        if case .unixDomainSocket? = channel.remoteAddress, channel.remoteAddress?.pathname ?? "" == "" {
            return text(of: channel.localAddress)
        }
        return text(of: channel.remoteAddress ?? channel.localAddress)
    }

    package static func text(of address: SocketAddress?) -> String {
        switch address {
        case .v4, .v6:
            guard let address, let host = address.ipAddress, let port = address.port else { return "unknown" }
            return host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unixDomainSocket: return "unix:" + (address?.pathname ?? "")
        case nil: return "unknown"
        }
    }

    /// The 4 or 16 bytes of an Internet address, in network order; nil for any other.
    static func bytes(of address: SocketAddress) -> [UInt8]? {
        // At byte 4 of a `sockaddr_in`, at byte 8 of a `sockaddr_in6`. The pointer is to the whole structure, and is
        // not kept.
        switch address {
        case .v4: unsafe address.withSockAddr { unsafe Array(UnsafeRawBufferPointer(start: $0, count: $1)[4..<8]) }
        case .v6: unsafe address.withSockAddr { unsafe Array(UnsafeRawBufferPointer(start: $0, count: $1)[8..<24]) }
        case .unixDomainSocket: nil
        }
    }
}

/// The process at the other end of a Unix socket.
enum UnixPeer {
    /// `struct ucred` of unix(7), which Glibc hides without `_GNU_SOURCE`.
    private struct Credentials: Sendable {
        var processID: Int32 = 0
        var userID: UInt32 = 0
        var groupID: UInt32 = 0
    }

    /// On the channel's event loop.
    static func credentials(of channel: any Channel) -> Peer.UnixCredentials? {
        guard case .unixDomainSocket? = channel.localAddress ?? channel.remoteAddress,
            let provider = channel as? any SocketOptionProvider
        else { return nil }
        var found: Credentials?
        // The option's value has this layout.
        let option: EventLoopFuture<Credentials> = provider.unsafeGetSocketOption(
            level: .socket,
            name: .init(rawValue: SO_PEERCRED)
        )
        // On its event loop the future is already done.
        option.assumeIsolated().whenSuccess { found = $0 }
        return found.map {
            Peer.UnixCredentials(processID: $0.processID, userID: $0.userID, groupID: $0.groupID)
        }
    }
}

/// The time of day, which a handshake compares.
enum WallClock {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    static var milliseconds: UInt64 {
        var now = timespec()
        unsafe clock_gettime(CLOCK_REALTIME, &now)
        return UInt64(max(0, now.tv_sec)) * 1_000 + UInt64(now.tv_nsec / 1_000_000)
    }
}

extension CertificatePin {
    init(of certificate: NIOSSLCertificate) throws {
        digest = Array(SHA256.hash(data: try certificate.extractPublicKey().toSPKIBytes()))
    }
}
