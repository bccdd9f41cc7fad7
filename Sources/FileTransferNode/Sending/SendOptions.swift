package import FileTransfer

/// How files are sent.
package struct SendOptions: Sendable {
    /// A folder where values of chunks are kept for a later transfer; nil keeps none.
    package var valuesFolder: String?
    /// How the sending rate follows the path.
    package var congestion = CongestionControl.Algorithm.cubic

    /// What is left out of folders.
    package var excluded: [NamePattern] = []
    /// Bits a second that all datagrams together have at most; nil is no limit.
    package var rateLimit: Double?

    /// Packets after which keys change; nil is the protocol's own limit.
    package var rekeyPackets: UInt64?

    package init() {}

    var limit: RateLimit? { rateLimit.map { RateLimit(bitsPerSecond: $0, now: .now) } }
}
