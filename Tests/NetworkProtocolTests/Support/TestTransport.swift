internal import Foundation
internal import Identity
internal import NIOSSL
internal import Testing

@testable import NetworkProtocol

/// The ways to connect a client to a daemon, each with trust between the two.
enum TestTransport: String, CaseIterable, CustomTestStringConvertible {
    case sealedTCP, plaintextTCP, tls, unix, sealedUnix

    var testDescription: String { rawValue }

    /// Whether every client that reaches the socket can speak without proving anything.
    var isOpenToAll: Bool { self == .plaintextTCP || self == .unix }
}

/// The identities of the two ends of a test's connections.
struct TestEnds {
    let daemon = IdentityKey()
    let client = IdentityKey()
    let daemonCertificate: SelfSignedCertificate
    let clientCertificate: SelfSignedCertificate
    let folder: String

    init() throws {
        daemonCertificate = try SelfSignedCertificate(hosts: ["127.0.0.1"])
        clientCertificate = try SelfSignedCertificate(hosts: ["client"])
        folder = FileManager.default.temporaryDirectory.path + "/outpost-np-\(UUID().uuidString)"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: false)
    }

    func remove() { try? FileManager.default.removeItem(atPath: folder) }

    var socketPath: String { folder + "/socket" }
    var daemonTrust: Trust { .pinned([client.endpointID], identity: daemon) }
    var clientTrust: Trust { .pinned([daemon.endpointID], identity: client) }

    var serverTLS: TLSServer {
        TLSServer(
            certificateChain: [daemonCertificate.certificate],
            privateKey: daemonCertificate.privateKey,
            clients: .certified(roots: [clientCertificate.certificate], pins: [clientCertificate.pin])
        )
    }

    var clientTLS: TLSClient {
        var settings = TLSClient(roots: .certificates([daemonCertificate.certificate]))
        settings.pins = [daemonCertificate.pin]
        settings.certificateChain = [clientCertificate.certificate]
        settings.privateKey = clientCertificate.privateKey
        return settings
    }

    func listener(_ transport: TestTransport) -> Listener {
        switch transport {
        case .sealedTCP: .tcp(host: "127.0.0.1", port: 0, trust: daemonTrust)
        case .plaintextTCP: .insecurePlaintextTCP(host: "127.0.0.1", port: 0)
        case .tls: .tls(host: "127.0.0.1", port: 0, serverTLS)
        case .unix: .unix(path: socketPath)
        case .sealedUnix: .unix(path: socketPath, trust: daemonTrust)
        }
    }

    func destination(_ transport: TestTransport, port: Int) -> Destination {
        switch transport {
        case .sealedTCP: .tcp(host: "127.0.0.1", port: port, trust: clientTrust)
        case .plaintextTCP: .insecurePlaintextTCP(host: "127.0.0.1", port: port)
        case .tls: .tls(host: "127.0.0.1", port: port, clientTLS)
        case .unix: .unix(path: socketPath)
        case .sealedUnix: .unix(path: socketPath, trust: clientTrust)
        }
    }
}
