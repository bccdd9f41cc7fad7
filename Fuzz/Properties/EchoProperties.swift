internal import LinkMeasurement
internal import NIOCore
internal import PacketIO
internal import Paramedic
internal import Reflector

/// Echo datagrams, over UDP and in tunnels, and the preface of direct streams.
enum EchoProperties {
    /// A header that is read is written as it came; the reflector changes its own two times and nothing else, never
    /// answers with more bytes than came, and answers only its token; a client's record survives any reply.
    static func checkDatagram(_ bytes: [UInt8]) throws(PropertyBroken) {
        var answer = bytes
        var responder = EchoResponder()
        let offered = AccessToken(bytes.dropFirst(8).prefix(AccessToken.byteCount))
        let other = AccessToken([UInt8](repeating: 0xa5, count: AccessToken.byteCount))
        guard let datagram = EchoDatagram(bytes) else {
            let verdict = responder.respond(to: &answer, from: .tunnel(0), receivedAt: 1, now: 1)
            try require(verdict == .drop(.malformed), "what is no datagram got \(verdict)")
            let isPlain = (EchoDatagram.headerLength...EchoDatagram.maximumLength).contains(bytes.count)
            try require(
                !isPlain || !bytes.starts(with: [0x50, 0x50, 0x45, 0x31, 0, 0, 0, 0]),
                "a datagram of the right form was refused"
            )
            return
        }
        let payload = Array(bytes.dropFirst(EchoDatagram.headerLength))
        try require(datagram.bytes(payload: payload) == bytes, "the header was not written as it was read")
        guard let offered, let other else { throw PropertyBroken("16 bytes are no token") }
        try require(datagram.token == offered, "the token is not the one that came")

        let permit = EchoPermit(token: other, peer: .tunnel(0), maximumPacketsPerSecond: 10)
        try? responder.admit(permit)
        if offered != other {
            let refusal = responder.respond(to: &answer, from: .tunnel(0), receivedAt: 7, now: 1)
            try require(refusal == .drop(.unknownToken) && answer == bytes, "a foreign token got \(refusal)")
            try? responder.admit(EchoPermit(token: offered, peer: .tunnel(0), maximumPacketsPerSecond: 10))
        }
        let verdict = responder.respond(to: &answer, from: .tunnel(0), receivedAt: 7, now: 1)
        try require(verdict == .reply, "the right token got \(verdict)")
        EchoDatagram.setServerSend(9, in: &answer)
        var expected = datagram
        expected.serverReceive = 7
        expected.serverSend = 9
        try require(answer == expected.bytes(payload: payload), "the reply changed more than the two times")
        try checkRecord(datagram)
    }

    /// As a reply at the client, to a probe that may be the one it answers.
    private static func checkRecord(_ reply: EchoDatagram) throws(PropertyBroken) {
        var samples = EchoSamples(capacity: 2)
        for time in [reply.clientSend, 5] { _ = samples.recordSend(at: time) }
        for received in [Int64.max, 3] { samples.recordReply(reply, token: reply.token, receivedAt: received) }
        try require(
            samples.received + samples.duplicateReplies + samples.strays == 2,
            "two replies were not counted as two"
        )
        for sequence in -1...2 { _ = (samples.roundTrip(sequence), samples.serverTime(sequence)) }
    }

    /// The first byte chooses the length of the pieces, the rest is the stream.
    ///
    /// However a stream is cut, the same datagrams come out, each with a length that a datagram may have.
    static func checkTunnel(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let choice = bytes.first else { return }
        let stream = Array(bytes.dropFirst())
        let whole = decode(stream, pieces: stream.count)
        let cut = decode(stream, pieces: 1 + Int(choice))
        try require(whole.datagrams == cut.datagrams, "the datagrams depend on how the stream is cut")
        try require(whole.refusal == cut.refusal, "the refusal depends on how the stream is cut")
        var again = ByteBuffer()
        for datagram in whole.datagrams {
            try require(
                (EchoDatagram.headerLength...EchoDatagram.maximumLength).contains(datagram.count),
                "a datagram of \(datagram.count) bytes came out"
            )
            EchoFrame.encode(datagram, into: &again)
        }
        try require(stream.starts(with: again.readableBytesView), "the datagrams are not those of the stream")
        if let refusal = whole.refusal { try ErrorText.check(refusal) }
    }

    private static func decode(_ stream: [UInt8], pieces: Int) -> (datagrams: [[UInt8]], refusal: EchoLengthRefused?) {
        var decoder = EchoFrameDecoder()
        var datagrams: [[UInt8]] = []
        for start in stride(from: 0, to: stream.count, by: max(1, pieces)) {
            decoder.append(ByteBuffer(bytes: stream[start..<min(start + max(1, pieces), stream.count)]))
            do throws(EchoLengthRefused) {
                while let datagram = try decoder.next() { datagrams.append(Array(datagram.readableBytesView)) }
            } catch { return (datagrams, error) }
        }
        return (datagrams, nil)
    }

    /// What is read is written as it came, and only whole prefaces are read.
    static func checkPreface(_ bytes: [UInt8]) throws(PropertyBroken) {
        if let preface = StreamPreface(bytes) {
            try require(preface.bytes == bytes, "the preface was not written as it was read")
            try require(StreamPreface(bytes + [0]) == nil, "more than a preface was read as one")
            try require(StreamPreface(bytes.dropLast()) == nil, "less than a preface was read as one")
        } else {
            let isPlain =
                bytes.count == StreamPreface.byteCount && bytes.starts(with: Array("PPT1".utf8)) && bytes[4] < 2
                && bytes[6] == 0 && bytes[7] == 0
            try require(!isPlain, "a preface of the right form was refused")
        }
    }
}
