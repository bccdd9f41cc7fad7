package import Identity

extension ReflectorAddress {
    /// The control port of seed 000.
    package static let defaultPort = 4000

    /// Reads `host`, `host:port`, `address:port`, `[ipv6]`, `[ipv6]:port`.
    package init(parsing text: String, endpointID: EndpointID) throws {
        var host = text[...]
        var port = Self.defaultPort
        if text.hasPrefix("[") {
            guard let close = text.firstIndex(of: "]") else { throw ParamedicError.badAddress(text) }
            host = text[text.index(after: text.startIndex)..<close]
            let rest = text[text.index(after: close)...]
            if !rest.isEmpty {
                guard rest.hasPrefix(":"), let number = UInt16(rest.dropFirst()), number > 0 else {
                    throw ParamedicError.badAddress(text)
                }
                port = Int(number)
            }
        } else if let colon = text.lastIndex(of: ":") {
            // More than one colon is an IPv6 address without a port.
            if text.firstIndex(of: ":") == colon {
                host = text[..<colon]
                guard let number = UInt16(text[text.index(after: colon)...]), number > 0 else {
                    throw ParamedicError.badAddress(text)
                }
                port = Int(number)
            }
        }
        guard !host.isEmpty, host.utf8.count <= 253, host.allSatisfy({ !$0.isWhitespace && $0 != "/" }) else {
            throw ParamedicError.badAddress(text)
        }
        self.init(host: String(host), port: port, endpointID: endpointID)
    }
}
