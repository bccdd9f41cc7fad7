internal import FileTransfer

/// How a ``Node`` sends files.
public struct SendSettings: Sendable {
    /// How the rate follows the path.
    public enum Congestion: Sendable {
        /// RFC 9438, as most of TCP does.
        case cubic
        /// For paths that lose packets without being full, such as radio.
        case bbr
    }

    /// Names that are left out of folders; `*` and `?` stand for any characters.
    public var excluded: [String] = []
    /// Bits a second of all datagrams together, at most; nil is no limit.
    public var rateLimit: Double?
    public var congestion = Congestion.cubic

    public init() {}

    func options() throws(NodeError) -> SendOptions {
        var options = SendOptions()
        for text in excluded {
            guard let pattern = NamePattern(text) else {
                throw NodeError(.local, "the pattern \"\(text)\" is empty: name what is to be left out")
            }
            options.excluded.append(pattern)
        }
        if let rateLimit {
            guard (10_000...1e13).contains(rateLimit) else {
                throw NodeError(.local, "a rate limit of \(rateLimit) bit/s: must be 10 000 to 10¹³")
            }
            options.rateLimit = rateLimit
        }
        options.congestion = congestion == .bbr ? .bbr : .cubic
        return options
    }
}
