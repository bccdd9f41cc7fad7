internal import Foundation
internal import Identity
internal import Operations
internal import Testing

@testable import NetworkProtocol

/// `Tests/NetworkProtocolPeer/peer.py`, which was written from the document alone, in one of its roles.
struct PythonPeer {
    struct Ended: Error, CustomStringConvertible { let description: String }

    private static let script = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("NetworkProtocolPeer/peer.py").path

    let child: ChildProcess

    init(_ words: [String]) async throws {
        // Debian's own, which finds Debian's packages whatever else is in PATH.
        child = try await ChildProcess.start("/usr/bin/python3", [PythonPeer.script] + words)
    }

    /// Runs it to its end, which must be successful.
    @discardableResult static func run(
        _ words: [String],
        sourceLocation: SourceLocation = #_sourceLocation
    ) async throws -> String {
        try await PythonPeer(words).end(sourceLocation: sourceLocation)
    }

    /// Its output after its end, which must be successful.
    @discardableResult func end(sourceLocation: SourceLocation = #_sourceLocation) async throws -> String {
        let exit = await child.exit()
        let errors = String(decoding: exit.errorOutput, as: UTF8.self)
        try #require(exit.code == 0, "\(errors)", sourceLocation: sourceLocation)
        return String(decoding: exit.output, as: UTF8.self)
    }

    /// What it writes into a file.
    func text(of path: String) async throws -> String {
        while true {
            if let text = try? String(contentsOfFile: path, encoding: .utf8) { return text }
            guard child.isRunning else {
                let exit = await child.exit()
                throw Ended(description: "peer.py ended: \(String(decoding: exit.errorOutput, as: UTF8.self))")
            }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Runs `body` while it runs, and lets it end by itself, or ends it.
    static func with<Value>(_ words: [String], _ body: (PythonPeer) async throws -> Value) async throws -> Value {
        let peer = try await PythonPeer(words)
        do {
            return try await body(peer)
        } catch {
            let exit = await peer.child.terminate(grace: .seconds(1))
            // Its own report of a failure says more.
            guard exit.code == 1 else { throw error }
            throw Ended(description: "\(error); peer.py: \(String(decoding: exit.errorOutput, as: UTF8.self))")
        }
    }
}

/// The kinds of trust that the document defines, and none, as arguments for the library and for `peer.py`.
enum DocumentedTrust: String, CaseIterable, CustomTestStringConvertible {
    case pinned, secret, pinnedAndSecret, anonymous
    /// The client requires a key from a daemon that admits every client.
    case anonymousDaemonKnown
    case plaintext, unixSocket

    var testDescription: String { rawValue }

    static let sealed = allCases.filter { $0.isSealed }
    var isSealed: Bool { self != .plaintext && self != .unixSocket }
    /// Whether the daemon requires a key.
    var knowsClient: Bool { self == .pinned || self == .pinnedAndSecret }

    static let ours = NumberedIdentity.key(1)
    static let theirs = NumberedIdentity.key(2)
    static let theirSeed = [UInt8](repeating: 2, count: 32)
    static let stranger = [UInt8](repeating: 3, count: 32)
    private static let shared = Array(UInt8(7)..<39)

    private func trust(isDaemon: Bool) -> Trust {
        let secret = PreSharedKey(DocumentedTrust.shared)
        let (ours, theirs) = (DocumentedTrust.ours, DocumentedTrust.theirs.endpointID)
        switch (self, secret) {
        case (.secret, let secret?): return .preSharedKey(secret)
        case (.pinnedAndSecret, let secret?): return .pinned(identity: ours, preSharedKey: secret) { $0 == theirs }
        case (.anonymousDaemonKnown, _) where isDaemon: return .anonymous(identity: ours)
        case (.anonymous, _): return .anonymous
        default: return .pinned([theirs], identity: ours)
        }
    }

    /// Of the library's daemon.
    func listener(_ folder: String) -> Listener {
        switch self {
        case .plaintext: .insecurePlaintextTCP(host: "127.0.0.1", port: 0)
        case .unixSocket: .unix(path: folder + "/socket")
        default: .tcp(host: "127.0.0.1", port: 0, trust: trust(isDaemon: true))
        }
    }

    /// Of the library's client: where `peer.py` listens, according to its output.
    func destination(_ address: String) -> Destination {
        let port = address.split(separator: ":").last.flatMap { Int($0) } ?? 0
        return switch self {
        case .plaintext: .insecurePlaintextTCP(host: "127.0.0.1", port: port)
        case .unixSocket: .unix(path: String(address.dropFirst("unix:".count)))
        default: .tcp(host: "127.0.0.1", port: port, trust: trust(isDaemon: false))
        }
    }

    /// The arguments of `peer.py`.
    var words: [String] {
        let secret = ["--secret", Hexadecimal.text(DocumentedTrust.shared)]
        let keys = [
            "--identity", Hexadecimal.text(DocumentedTrust.theirSeed),
            "--admit", Hexadecimal.text(DocumentedTrust.ours.endpointID.publicKey),
        ]
        return switch self {
        case .pinned, .anonymousDaemonKnown: keys
        case .secret: secret
        case .pinnedAndSecret: keys + secret
        case .anonymous: []
        case .plaintext, .unixSocket: ["--plain"]
        }
    }
}

extension MessageFormat {
    /// Its name in `peer.py`.
    var word: String {
        switch self {
        case .bincode: "bincode"
        case .json: "json"
        case .messagePack: "messagepack"
        }
    }

    /// One for each format, so that all are used.
    var compressionInTests: CompressionAlgorithm? {
        switch self {
        case .bincode: nil
        case .json: .lz4
        case .messagePack: .zstd
        }
    }
}
