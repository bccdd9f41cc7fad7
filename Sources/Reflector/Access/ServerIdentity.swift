internal import Identity
internal import IdentityCertificates
internal import NIOSSL
internal import Synchronization

/// The current key and its TLS context; both change together when the identity is rotated.
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

    /// The argument of ``change(to:)``: everything that can fail is done here.
    func prepare(_ key: IdentityKey) throws -> Current {
        Current(key: key, context: try EndpointTLS.serverContext(key: key, applicationProtocols: protocols))
    }

    func change(to next: Current) {
        state.withLock { $0 = next }
    }
}
