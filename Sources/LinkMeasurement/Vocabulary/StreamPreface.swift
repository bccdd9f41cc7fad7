// What a client sends first on each connection to a direct port, before the test's bytes:
//
//   offset  size  field
//        0     4  magic `PPT1`
//        4     1  direction: 0 up (the client sends), 1 down (the server sends)
//        5     1  stream index, from 0
//        6     2  reserved, 0
//        8    16  token: the grant's, as raw bytes
//
// The server does not answer: it closes the connection, or the stream starts.

internal import Glibc
package import PacketIO
package import SystemErrors

/// The first 24 bytes of a direct connection.
package struct StreamPreface: Equatable, Sendable {
    package static let byteCount = 24
    static let magic: [UInt8] = Array("PPT1".utf8)

    package enum Direction: UInt8, Sendable {
        /// The client sends.
        case up = 0
        /// The server sends.
        case down = 1
    }

    package var direction: Direction
    package var index: UInt8
    package var token: AccessToken

    package init(direction: Direction, index: UInt8, token: AccessToken) {
        self.direction = direction
        self.index = index
        self.token = token
    }

    /// Nil if it is not exactly 24 bytes of this form.
    package init?(_ bytes: some RandomAccessCollection<UInt8>) {
        guard bytes.count == Self.byteCount, bytes.prefix(4).elementsEqual(Self.magic) else { return nil }
        let head = Array(bytes.dropFirst(4).prefix(4))
        guard let direction = Direction(rawValue: head[0]), head[2] == 0, head[3] == 0 else { return nil }
        guard let token = AccessToken(bytes.dropFirst(8)) else { return nil }
        self.init(direction: direction, index: head[1], token: token)
    }

    package var bytes: [UInt8] {
        Self.magic + [direction.rawValue, self.index, 0, 0] + token.bytes
    }

    /// Sends the preface as the first bytes of a connected, blocking socket.
    package func send(on socket: borrowing SocketDescriptor) throws(SystemError) {
        // A new socket's buffer takes 24 bytes whole.
        let sent = socket.send(bytes)
        guard sent == Self.byteCount else {
            throw SystemError(call: "send", subject: "stream preface", code: sent < 0 ? Int32(-sent) : EPIPE)
        }
    }
}
