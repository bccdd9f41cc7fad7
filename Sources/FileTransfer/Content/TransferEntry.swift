/// A file, folder or symbolic link of a transfer: section 5.2 of `Docs/COURIER-PROTOCOL.md`.
package struct TransferEntry: Equatable, Sendable {
    package enum Kind: UInt8, Sendable {
        case file = 1
        case folder = 2
        case symbolicLink = 3
    }

    private static let longestPath = 4_095
    /// Bytes of a file that goes into the pack stream.
    package static let largestSmall = 65_536

    /// From 0, in the order in which entries are sent.
    package var number: UInt32
    package var kind: Kind
    /// Permission bits, and those above them: the low 12 bits of `st_mode`.
    package var mode: UInt32
    /// When the content last changed, since 1970.
    package var seconds: Int64
    package var nanoseconds: UInt32
    /// Bytes of a file; otherwise 0.
    package var size: UInt64
    /// Relative to the target folder, with `/` between its parts; any bytes but zero.
    package var path: [UInt8]
    /// What a symbolic link points to; otherwise empty.
    package var target: [UInt8]

    package init(
        number: UInt32,
        kind: Kind,
        mode: UInt32,
        seconds: Int64,
        nanoseconds: UInt32,
        size: UInt64,
        path: [UInt8],
        target: [UInt8] = []
    ) {
        self.number = number
        self.kind = kind
        self.mode = mode
        self.seconds = seconds
        self.nanoseconds = nanoseconds
        self.size = size
        self.path = path
        self.target = target
    }

    /// Whether it is a file that goes into the pack stream.
    package var isSmall: Bool { kind == .file && size <= Self.largestSmall }

    func write(to body: inout [UInt8]) {
        body.append(bigEndian: number)
        body.append(kind.rawValue)
        body.append(bigEndian: mode)
        body.append(bigEndian: UInt64(bitPattern: seconds))
        body.append(bigEndian: nanoseconds)
        body.append(bigEndian: size)
        body.append(bigEndian: UInt16(path.count))
        body += path
        body.append(bigEndian: UInt16(target.count))
        body += target
    }

    /// Nil unless the fields are there and within their ranges, and the path stays inside of the target folder.
    init?(_ reader: inout WireReader) {
        guard let number = reader.integer(UInt32.self), let kind = reader.integer(UInt8.self).flatMap(Kind.init),
            let mode = reader.integer(UInt32.self), mode <= 0o7777, let seconds = reader.integer(UInt64.self),
            let nanoseconds = reader.integer(UInt32.self), nanoseconds < 1_000_000_000,
            let size = reader.integer(UInt64.self), kind == .file || size == 0, size <= UInt64(Int64.max),
            let pathLength = reader.integer(UInt16.self), let path = reader.bytes(Int(pathLength)),
            let targetLength = reader.integer(UInt16.self), let target = reader.bytes(Int(targetLength)),
            Self.isSafe(path), target.count <= Self.longestPath, !target.contains(0),
            (kind == .symbolicLink) != target.isEmpty
        else { return nil }
        self.number = number
        self.kind = kind
        self.mode = mode
        self.seconds = Int64(bitPattern: seconds)
        self.nanoseconds = nanoseconds
        self.size = size
        self.path = path
        self.target = target
    }

    /// Whether a path stays inside of the folder that it is relative to.
    package static func isSafe(_ path: [UInt8]) -> Bool {
        guard path.count <= longestPath else { return false }
        let dot = UInt8(ascii: ".")
        var start = 0
        for end in 0...path.count {
            if end < path.count, path[end] != UInt8(ascii: "/") {
                if path[end] == 0 { return false }
                continue
            }
            let count = end - start
            guard (1...255).contains(count), count > 2 || path[start] != dot || count == 2 && path[start + 1] != dot
            else { return false }
            start = end + 1
        }
        return true
    }
}
