package import Cryptography

/// What an end says about itself in the handshake: section 1.3 of `Docs/COURIER-PROTOCOL.md`.
package struct SessionParameters: Equatable, Sendable {
    static let version: UInt8 = 1
    static let smallestDatagram = 1_200
    /// Of a jumbo frame, over IPv4: nothing longer is sent.
    package static let largestDatagram = 8_972
    /// Bytes of file data that this end admits beyond those that arrived.
    package static let creditWindow: UInt64 = 16 << 20

    /// The algorithms for packets, best last.
    package var suites: [RecordCipher.Algorithm] = [.xChaCha20Poly1305]
    /// Bytes of the largest datagram that it receives.
    package var maximumDatagram = 1_472
    /// Milliseconds without an authentic packet after which it gives up; at least 1000.
    package var idleTimeout: UInt32 = 30_000
    /// Bytes of file data that the peer may send before the first WINDOW_UPDATE.
    package var sessionCredit: UInt64 = 1_048_576
    /// Bytes of the socket's receive buffer.
    package var receiveBuffer: UInt32 = 212_992
    /// Bytes of the control stream that the peer may send before the first WINDOW_UPDATE.
    package var controlCredit: UInt32 = 262_144

    package init() {}

    private enum Field: UInt16 {
        case versions = 0x8001
        case suites = 0x8002
        case maximumDatagram = 0x0003
        case idleTimeout = 0x0004
        case sessionCredit = 0x0005
        case receiveBuffer = 0x0006
        case controlCredit = 0x0007
    }

    private static let critical: UInt16 = 0x8000

    /// The type-length-value fields.
    var encoded: [UInt8] {
        var bytes: [UInt8] = []
        func add(_ field: Field, _ value: [UInt8]) {
            bytes.append(bigEndian: field.rawValue)
            bytes.append(bigEndian: UInt16(value.count))
            bytes += value
        }
        add(.versions, [Self.version])
        add(.suites, suites.map(\.suiteNumber))
        add(.maximumDatagram, Self.bytes(UInt16(clamping: maximumDatagram)))
        add(.idleTimeout, Self.bytes(idleTimeout))
        add(.sessionCredit, Self.bytes(sessionCredit))
        add(.receiveBuffer, Self.bytes(receiveBuffer))
        add(.controlCredit, Self.bytes(controlCredit))
        return bytes
    }

    /// Parses the peer's fields.
    init(parsing bytes: [UInt8]) throws(HandshakeFailure) {
        var reader = WireReader(bytes.rawBytes)
        var seen: Set<UInt16> = []
        var versions: [UInt8] = []
        suites = []
        while !reader.isAtEnd {
            guard let type = reader.integer(UInt16.self), let length = reader.integer(UInt16.self),
                let value = reader.bytes(Int(length))
            else { throw .malformed("a field is longer than the message") }
            guard seen.insert(type).inserted else { throw .malformed("field \(type) twice") }
            guard let field = Field(rawValue: type) else {
                if type & Self.critical != 0 { throw .unknownCriticalField(type) }
                continue
            }
            switch field {
            case .versions: versions = value
            case .suites: suites = value.compactMap(RecordCipher.Algorithm.init(suiteNumber:))
            case .maximumDatagram: maximumDatagram = Int(try Self.integer(value, UInt16.self))
            case .idleTimeout: idleTimeout = try Self.integer(value, UInt32.self)
            case .sessionCredit: sessionCredit = try Self.integer(value, UInt64.self)
            case .receiveBuffer: receiveBuffer = try Self.integer(value, UInt32.self)
            case .controlCredit: controlCredit = try Self.integer(value, UInt32.self)
            }
        }
        guard versions.contains(Self.version) else { throw .noCommonVersion(versions) }
        guard suites.contains(.xChaCha20Poly1305) else { throw .malformed("it lacks suite 1") }
        guard maximumDatagram >= Self.smallestDatagram else { throw .malformed("a largest datagram below 1200") }
        guard idleTimeout >= 1_000 else { throw .malformed("an idle timeout below 1 s") }
    }

    /// AES-256-GCM if both have it.
    func commonSuite(with peer: SessionParameters) -> RecordCipher.Algorithm {
        suites.contains(.aes256GCM) && peer.suites.contains(.aes256GCM) ? .aes256GCM : .xChaCha20Poly1305
    }

    private static func bytes<Value: FixedWidthInteger & UnsignedInteger>(_ value: Value) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.append(bigEndian: value)
        return bytes
    }

    private static func integer<Value: FixedWidthInteger & UnsignedInteger & BitwiseCopyable>(
        _ bytes: [UInt8],
        _: Value.Type
    ) throws(HandshakeFailure) -> Value {
        var reader = WireReader(bytes.rawBytes)
        guard let value = reader.integer(Value.self), reader.isAtEnd else {
            throw .malformed("a field with \(bytes.count) bytes")
        }
        return value
    }
}

extension RecordCipher.Algorithm {
    /// Its number on the wire.
    var suiteNumber: UInt8 {
        switch self {
        case .xChaCha20Poly1305: 1
        case .aes256GCM: 2
        }
    }

    init?(suiteNumber: UInt8) {
        switch suiteNumber {
        case 1: self = .xChaCha20Poly1305
        case 2: self = .aes256GCM
        default: return nil
        }
    }
}
