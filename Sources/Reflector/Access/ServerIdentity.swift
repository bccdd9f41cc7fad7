internal import Identity
internal import IdentityCertificates
internal import NIOSSL
internal import Synchronization

/// The key in use and the TLS context made of it; both change together when the identity is rotated.
final class ServerIdentity: Sendable {
    struct Current: Sendable {
        let key: IdentityKey
        let context: NIOSSLContext

        var endpointID: EndpointID { key.endpointID }
    }

    private let state: Mutex<Current>
    private let protocols: [String]

    init(key: IdentityKey, applicationProtocols: [String]) throws {
        self.protocols = applicationProtocols
        let context = try EndpointTLS.serverContext(key: key, applicationProtocols: applicationProtocols)
        self.state = Mutex(Current(key: key, context: context))
    }

    var current: Current { state.withLock { $0 } }

    /// What ``change(to:)`` takes: all that can fail is done before.
    func prepare(_ key: IdentityKey) throws -> Current {
        Current(key: key, context: try EndpointTLS.serverContext(key: key, applicationProtocols: protocols))
    }

    func change(to next: Current) {
        state.withLock { $0 = next }
    }
}
