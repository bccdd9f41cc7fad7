internal import Testing

@testable import NetworkProtocol

@Suite("Connection errors")
struct ConnectionErrorTests {
    struct Example: Sendable {
        let error: ConnectionError
        let code: ConnectionError.Code
        let word: String
        let message: String
        /// In metrics, if the connection never opened.
        let label: String
    }

    static let examples = [
        Example(
            error: .notListening(address: "unix:/s"),
            code: .notListening,
            word: "not_listening",
            message: "cannot connect to unix:/s: nothing listens there",
            label: "connection_lost"
        ),
        Example(
            error: .cannotConnect(address: "h:1", reason: "no route"),
            code: .cannotConnect,
            word: "cannot_connect",
            message: "cannot connect to h:1: no route",
            label: "connection_lost"
        ),
        Example(
            error: .tls(reason: "expired"),
            code: .tls,
            word: "tls",
            message: "TLS failed: expired",
            label: "tls"
        ),
        Example(
            error: .handshake(.replayed),
            code: .handshake,
            word: "handshake",
            message: "the handshake failed: this handshake was opened before with the same nonce: a replay",
            label: "replayed"
        ),
        Example(
            error: .refused(code: .unavailable, reason: "full"),
            code: .refused,
            word: "refused",
            message: "the peer refused (unavailable): full",
            label: "refused"
        ),
        Example(
            error: .timedOut(what: "the handshake"),
            code: .timedOut,
            word: "timed_out",
            message: "the handshake took too long",
            label: "timeout"
        ),
        Example(
            error: .unanswered(.truncated),
            code: .unanswered,
            word: "unanswered",
            message: "the request was sent, and whether it was handled is not known: "
                + "the connection ended without the peer's sealed Disconnect: its last messages may be missing",
            label: "connection_lost"
        ),
        Example(
            error: .dead(after: .seconds(3)),
            code: .dead,
            word: "dead",
            message: "nothing came from the peer for 3.0 seconds, not even an answer to a ping",
            label: "connection_lost"
        ),
        Example(
            error: .stalled(after: .seconds(4)),
            code: .stalled,
            word: "stalled",
            message: "the peer has taken nothing of what was sent to it for 4.0 seconds",
            label: "connection_lost"
        ),
        Example(
            error: .malformedPacket(.unsupportedVersion(9)),
            code: .malformedPacket,
            word: "malformed_packet",
            message: "the peer sent no packet: the packet has version 9, and this side speaks version 1 only",
            label: "malformed"
        ),
        Example(
            error: .malformedMessage(.empty),
            code: .malformedMessage,
            word: "malformed_message",
            message: "the peer sent no message: the payload is empty where a message was expected",
            label: "malformed"
        ),
        Example(
            error: .malformedCompression("cut"),
            code: .malformedCompression,
            word: "malformed_compression",
            message: "the peer sent a packet that cannot be decompressed: cut",
            label: "malformed"
        ),
        Example(
            error: .notAuthentic,
            code: .notAuthentic,
            word: "not_authentic",
            message:
                "a packet was not sealed as the next one must be: it was changed, repeated, left out or not sealed",
            label: "not_authentic"
        ),
        Example(
            error: .protocolViolation("Pong first"),
            code: .protocolViolation,
            word: "protocol_violation",
            message: "the peer broke the protocol: Pong first",
            label: "protocol_violation"
        ),
        Example(
            error: .messageTooLong(length: 9, limit: 8),
            code: .messageTooLong,
            word: "message_too_long",
            message: "the message would need 9 bytes, and a packet carries 8: send it in parts",
            label: "connection_lost"
        ),
        Example(
            error: .closedByPeer,
            code: .closedByPeer,
            word: "closed_by_peer",
            message: "the peer closed the connection",
            label: "closed_by_peer"
        ),
        Example(
            error: .truncated,
            code: .truncated,
            word: "truncated",
            message: "the connection ended without the peer's sealed Disconnect: its last messages may be missing",
            label: "connection_lost"
        ),
        Example(
            error: .closed,
            code: .closed,
            word: "closed",
            message: "the connection is closed",
            label: "closed"
        ),
        Example(
            error: .cancelled,
            code: .cancelled,
            word: "cancelled",
            message: "the task that waited was canceled",
            label: "cancelled"
        ),
        Example(
            error: .io(reason: "reset"),
            code: .io,
            word: "io",
            message: "the connection failed: reset",
            label: "connection_lost"
        ),
    ]

    @Test func `a connection error has a code to compare, a message to read and a label for metrics`() {
        for example in Self.examples {
            #expect(example.error.code == example.code)
            #expect(example.code.description == example.word)
            #expect(example.error.message == example.message && example.error.description == example.message)
            #expect(example.error.handshakeFailureReason == example.label)
        }
        #expect(Set(Self.examples.map(\.code)).count == Self.examples.count)
        #expect(Set(Self.examples.map(\.error)).count == Self.examples.count)
    }

    @Test func `two connection errors differ if anything that they carry differs`() {
        #expect(ConnectionError.timedOut(what: "a") != .timedOut(what: "b"))
        #expect(ConnectionError.refused(code: .refused, reason: "a") != .refused(code: .unavailable, reason: "a"))
        #expect(ConnectionError.unanswered(.closed) != .unanswered(.truncated))
    }

    @Test func `a connection error carries what belongs to its code`() {
        #expect(ConnectionError.notListening(address: "h:1").address == "h:1")
        let refused = ConnectionError.refused(code: .unavailable, reason: "full")
        #expect(refused.failureCode == .unavailable && refused.detail == "full" && refused.cause == nil)
        #expect(ConnectionError.timedOut(what: "it").detail == "it")
        #expect(ConnectionError.dead(after: .seconds(3)).duration == .seconds(3))
        let long = ConnectionError.messageTooLong(length: 9, limit: 8)
        #expect(long.length == 9 && long.limit == 8 && long.detail == nil && long.address == nil)
        #expect(ConnectionError.handshake(.replayed).cause as? HandshakeError == .replayed)
        #expect(ConnectionError.malformedPacket(.unsupportedVersion(9)).cause as? PacketError == .unsupportedVersion(9))
        #expect(ConnectionError.malformedMessage(.empty).cause as? MessageError == .empty)
    }

    @Test func `the error of a request without an answer has the reason below it`() {
        let unanswered = ConnectionError.unanswered(.timedOut(what: "it"))
        #expect(unanswered.cause as? ConnectionError == .timedOut(what: "it"))
        #expect(unanswered.underlying.code == .timedOut)
        #expect(ConnectionError.closed.underlying == .closed && ConnectionError.closed.cause == nil)
    }
}
