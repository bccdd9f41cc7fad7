// UDP echo datagram, all numbers big endian
//
//   offset  size  field
//        0     4  magic `PPE1`
//        4     4  flags, 0
//        8    16  token: the grant's, as raw bytes
//       24     8  sequence, from 0
//       32     8  client send time, ns since 1970 (CLOCK_REALTIME)
//       40     8  server receive time, ns since 1970; the client sends 0
//       48     8  server send time, ns since 1970; the client sends 0
//       56     …  payload, returned unchanged
//
// The reply is the same datagram with the two server times filled in. Inside a TLS stream each datagram follows its
// length as a u16.

/// The header of a UDP echo datagram. Public, because only public bodies are inlined into other modules' loops.
public struct EchoDatagram: Equatable, Sendable {
    public static let magic: UInt32 = 0x5050_4531
    /// Bytes before the payload, and so the length of the shortest datagram.
    public static let headerLength = 56
    /// A 9000-byte jumbo frame less 48 bytes of IPv6 and UDP header: common links fragment anything longer.
    public static let maximumLength = 8952

    public var token: AccessToken
    public var sequence: UInt64
    public var clientSend: Int64
    public var serverReceive: Int64
    public var serverSend: Int64

    @inlinable @inline(__always)
    public init(
        token: AccessToken,
        sequence: UInt64,
        clientSend: Int64,
        serverReceive: Int64 = 0,
        serverSend: Int64 = 0
    ) {
        self.token = token
        self.sequence = sequence
        self.clientSend = clientSend
        self.serverReceive = serverReceive
        self.serverSend = serverSend
    }

    /// Nil if the bytes are too few or too many, do not start with the magic, or carry undefined flags.
    @inlinable @inline(__always)
    public init?(_ bytes: RawSpan) {
        guard bytes.byteCount >= Self.headerLength, bytes.byteCount <= Self.maximumLength else { return nil }
        guard Self.load64(bytes, 0) == UInt64(Self.magic) << 32 else { return nil }
        self.init(
            token: AccessToken(high: Self.load64(bytes, 8), low: Self.load64(bytes, 16)),
            sequence: Self.load64(bytes, 24),
            clientSend: Int64(bitPattern: Self.load64(bytes, 32)),
            serverReceive: Int64(bitPattern: Self.load64(bytes, 40)),
            serverSend: Int64(bitPattern: Self.load64(bytes, 48))
        )
    }

    /// Writes the header over the first 56 bytes; `bytes` must have that many.
    @inlinable @inline(__always)
    public func write(into bytes: inout MutableRawSpan) {
        Self.store64(UInt64(Self.magic) << 32, into: &bytes, 0)
        Self.store64(token.high, into: &bytes, 8)
        Self.store64(token.low, into: &bytes, 16)
        Self.store64(sequence, into: &bytes, 24)
        Self.store64(UInt64(bitPattern: clientSend), into: &bytes, 32)
        Self.store64(UInt64(bitPattern: serverReceive), into: &bytes, 40)
        Self.store64(UInt64(bitPattern: serverSend), into: &bytes, 48)
    }

    /// Fills in the server's receive time; `bytes` must contain a header.
    @inlinable @inline(__always)
    public static func setServerReceive(_ nanoseconds: Int64, in bytes: inout MutableRawSpan) {
        store64(UInt64(bitPattern: nanoseconds), into: &bytes, 40)
    }

    /// Fills in the server's send time; `bytes` must contain a header.
    @inlinable @inline(__always)
    public static func setServerSend(_ nanoseconds: Int64, in bytes: inout MutableRawSpan) {
        store64(UInt64(bitPattern: nanoseconds), into: &bytes, 48)
    }

    @inlinable @inline(__always)
    static func load64(_ bytes: RawSpan, _ offset: Int) -> UInt64 {
        // The span checks the bounds; any eight bytes are an integer.
        unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: offset, as: UInt64.self))
    }

    @inlinable @inline(__always)
    static func store64(_ value: UInt64, into bytes: inout MutableRawSpan, _ offset: Int) {
        bytes.storeBytes(of: value.bigEndian, toByteOffset: offset, as: UInt64.self)
    }
}
