internal import ArgumentParser
internal import Identity
internal import NetworkProtocol
internal import Operations

/// How the two sides know each other without TLS: one of these is required for TCP, none for a Unix socket.
struct TrustOptions: ParsableArguments {
    @Option(
        name: .customLong("peer"),
        help: ArgumentHelp(
            "The other side's Endpoint ID, as its `packetbench id` prints it; more than once for more.",
            valueName: "PP-…"
        )
    )
    var peers: [String] = []

    @Option(
        help: ArgumentHelp(
            "A file, for its owner only, with the 64 hexadecimal digits that both sides were given; `openssl rand -hex 32` makes some.",
            valueName: "file"
        )
    )
    var pskFile: String?

    @Flag(help: "Encrypt without authentication; to serve TLS: accept clients without a certificate.")
    var anonymous = false

    @Flag(help: "Neither encrypt nor authenticate.")
    var insecurePlaintext = false

    @Option(
        help: ArgumentHelp(
            "This machine's identity key, for --peer; \(KeyPath.advice)",
            valueName: "file"
        )
    )
    var key: String?

    func validate() throws {
        guard given.count <= 1 else {
            throw ValidationError("\(given.joined(separator: " and ")) exclude each other; give one")
        }
        for text in peers { _ = try TrustOptions.endpointID(text) }
    }

    /// The options that were given.
    var given: [String] {
        [
            peers.isEmpty ? nil : "--peer", pskFile == nil ? nil : "--psk-file", anonymous ? "--anonymous" : nil,
            insecurePlaintext ? "--insecure-plaintext" : nil,
        ].compactMap(\.self)
    }

    private static func endpointID(_ text: String) throws -> EndpointID {
        do {
            return try EndpointID(parsing: text)
        } catch {
            throw ValidationError("--peer \(text): \(error); copy the line that `packetbench id` prints there")
        }
    }

    private var trust: Trust? {
        get throws {
            if !peers.isEmpty {
                let ids = try peers.map { try TrustOptions.endpointID($0) }
                return .pinned(Set(ids), identity: try IdentityKey.loadOrCreate(at: KeyPath.resolve(key)))
            }
            if let pskFile { return .preSharedKey(try PreSharedKeyFile.read(pskFile)) }
            return anonymous ? .anonymous : nil
        }
    }

    private static let advice =
        "say who may be at the other end: --peer PP-… (see `packetbench id` there), --psk-file FILE, --anonymous or --insecure-plaintext"

    func destination(_ address: BenchAddress, _ tls: TLSOptions) throws -> Destination {
        try tls.checkUse(address, given)
        switch (address, try trust) {
        case (.unix(let path), let trust?): return .unix(path: path, trust: trust)
        case (.unix(let path), nil): return .unix(path: path)
        case (.tcp(let host, let port), let trust?): return .tcp(host: host, port: port, trust: trust)
        case (.tcp(let host, let port), nil) where insecurePlaintext:
            return .insecurePlaintextTCP(host: host, port: port)
        case (.tcp, nil): throw ValidationError(TrustOptions.advice)
        case (.tls(let host, let port), _): return .tls(host: host, port: port, try tls.client())
        }
    }

    func listener(_ address: BenchAddress, _ tls: TLSOptions) throws -> Listener {
        try tls.checkUse(address, given)
        switch (address, try trust) {
        case (.unix(let path), let trust?): return .unix(path: path, trust: trust)
        case (.unix(let path), nil): return .unix(path: path)
        case (.tcp(let host, let port), let trust?): return .tcp(host: host, port: port, trust: trust)
        case (.tcp(let host, let port), nil) where insecurePlaintext:
            return .insecurePlaintextTCP(host: host, port: port)
        case (.tcp, nil): throw ValidationError(TrustOptions.advice)
        case (.tls(let host, let port), _): return .tls(host: host, port: port, try tls.server(anonymous: anonymous))
        }
    }
}
