internal import ArgumentParser
internal import Identity
internal import NetworkProtocol
internal import Operations

/// How the two sides know each other: one of these must be said for TCP, none need be for a Unix socket.
struct TrustOptions: ParsableArguments {
    @Option(
        name: .customLong("peer"),
        help: ArgumentHelp(
            "The other side's Endpoint ID, as its `packetbench id` prints it; more than once for more.",
            valueName: "PP-…"
        )
    )
    var peers: [String] = []

    @Option(help: ArgumentHelp("A file with the 64 hexadecimal digits that both sides were given.", valueName: "file"))
    var pskFile: String?

    @Flag(help: "Encrypt, and authenticate nobody.")
    var anonymous = false

    @Flag(help: "Neither encrypt nor authenticate.")
    var insecurePlaintext = false

    @Option(
        help: ArgumentHelp(
            "This machine's identity key; made there if there is none. [env: PACKETBENCH_KEY]",
            valueName: "file"
        )
    )
    var key: String?

    func validate() throws {
        let ways = [!peers.isEmpty, pskFile != nil, anonymous, insecurePlaintext].count { $0 }
        guard ways <= 1 else {
            throw ValidationError(
                "--peer, --psk-file, --anonymous and --insecure-plaintext exclude each other; give one"
            )
        }
    }

    private var trust: Trust? {
        get throws {
            if !peers.isEmpty {
                let ids = try peers.map { text in
                    do {
                        return try EndpointID(parsing: text)
                    } catch {
                        throw ValidationError("--peer \(text): \(error)")
                    }
                }
                return .pinned(Set(ids), identity: try IdentityKey.loadOrCreate(at: KeyPath.resolve(key)))
            }
            if let pskFile { return .preSharedKey(try PreSharedKeyFile.read(pskFile)) }
            return anonymous ? .anonymous : nil
        }
    }

    private static let advice =
        "say who may be at the other end: --peer PP-… (see `packetbench id` there), --psk-file FILE, --anonymous or --insecure-plaintext"

    func destination(_ address: BenchAddress) throws -> Destination {
        switch (address, try trust, insecurePlaintext) {
        case (.unix(let path), let trust?, _): return .unix(path: path, trust: trust)
        case (.unix(let path), nil, _): return .unix(path: path)
        case (.tcp(let host, let port), let trust?, _): return .tcp(host: host, port: port, trust: trust)
        case (.tcp(let host, let port), nil, true): return .insecurePlaintextTCP(host: host, port: port)
        case (.tcp, nil, false): throw ValidationError(TrustOptions.advice)
        }
    }

    func listener(_ address: BenchAddress) throws -> Listener {
        switch (address, try trust, insecurePlaintext) {
        case (.unix(let path), let trust?, _): return .unix(path: path, trust: trust)
        case (.unix(let path), nil, _): return .unix(path: path)
        case (.tcp(let host, let port), let trust?, _): return .tcp(host: host, port: port, trust: trust)
        case (.tcp(let host, let port), nil, true): return .insecurePlaintextTCP(host: host, port: port)
        case (.tcp, nil, false): throw ValidationError(TrustOptions.advice)
        }
    }
}

/// `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
enum BenchAddress: ExpressibleByArgument, Sendable {
    case tcp(host: String, port: Int)
    case unix(path: String)

    init?(argument: String) {
        if argument.hasPrefix("unix:") {
            let path = String(argument.dropFirst(5))
            guard !path.isEmpty else { return nil }
            self = .unix(path: path)
            return
        }
        guard let colon = argument.lastIndex(of: ":"),
            let port = UInt16(argument[argument.index(after: colon)...])
        else { return nil }
        var host = argument[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            return nil
        }
        guard !host.isEmpty else { return nil }
        self = .tcp(host: String(host), port: Int(port))
    }
}
