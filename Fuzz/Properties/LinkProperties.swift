internal import FoundationEssentials
internal import LinkMeasurement
internal import NIOCore
internal import Reflector

/// Paramedic Link and the control socket.
enum LinkProperties {
    /// Longest sentence about a message that cannot be read: it goes back to the peer and into the log.
    private static let longestComplaint = 512

    /// The first byte chooses the limit and the length of the pieces, the rest is the stream.
    ///
    /// However a stream is cut, the same frames come out; together with what is left they are the stream; none is
    /// longer than the limit.
    static func checkFrames(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let choice = bytes.first else { return }
        let stream = Array(bytes.dropFirst())
        let limit = choice & 0x80 == 0 ? LinkFrame.maximumLengthUnauthorized : 32
        let whole = decode(stream, pieces: stream.count, limit: limit)
        let cut = decode(stream, pieces: 1 + Int(choice & 0x1f), limit: limit)
        try require(whole == cut, "the frames depend on how the stream is cut")
        var again = ByteBuffer()
        for frame in whole.frames {
            try require(frame.count <= limit, "a frame of \(frame.count) bytes passed the limit of \(limit)")
            LinkFrame.encode(frame, into: &again)
        }
        if let refusal = whole.refusal {
            try require(refusal.announced > limit, "a frame within the limit was refused")
            try ErrorText.check(refusal)
        } else {
            try require(
                Array(again.readableBytesView) + whole.remainder == stream,
                "frames and remainder are not the stream"
            )
        }
    }

    private struct Frames: Equatable {
        var frames: [[UInt8]] = []
        var refusal: FrameTooLong?
        var remainder: [UInt8] = []
    }

    private static func decode(_ stream: [UInt8], pieces: Int, limit: Int) -> Frames {
        var decoder = LinkFrameDecoder(limit: limit)
        var result = Frames()
        for start in stride(from: 0, to: stream.count, by: max(1, pieces)) {
            decoder.append(ByteBuffer(bytes: stream[start..<min(start + max(1, pieces), stream.count)]))
            do throws(FrameTooLong) {
                while let frame = try decoder.next() { result.frames.append(Array(frame.readableBytesView)) }
            } catch {
                result.refusal = error
                return result
            }
        }
        result.remainder = decoder.takeRemainder().map { Array($0.readableBytesView) } ?? []
        return result
    }

    /// What is read can be written, and reading that gives the same; what cannot be read is complained of in a short
    /// sentence.
    static func checkMessage(_ bytes: [UInt8]) throws(PropertyBroken) {
        let envelope: LinkEnvelope
        do throws(LinkDecodingError) {
            envelope = try LinkEnvelope.decode(ByteBuffer(bytes: bytes))
        } catch {
            try require(!error.message.isEmpty, "the complaint has no words")
            try require(
                error.message.utf8.count <= longestComplaint,
                "the complaint has \(error.message.utf8.count) bytes"
            )
            try require(
                error.requestID.utf8.count <= LinkEnvelope.maximumRequestIDLength,
                "the complaint carries a long id"
            )
            return
        }
        try require(
            envelope.requestID.utf8.count <= LinkEnvelope.maximumRequestIDLength,
            "a long request_id was accepted"
        )
        var decoder = LinkFrameDecoder(limit: LinkFrame.maximumLength)
        guard let frame = try? envelope.frame() else { throw PropertyBroken("what was read cannot be written") }
        decoder.append(frame)
        guard let payload = try? decoder.next(), let again = try? LinkEnvelope.decode(payload) else {
            throw PropertyBroken("what was written cannot be read")
        }
        try require(again == envelope, "reading what was written gives another message")
        try require(
            (try? again.frame()) == frame,
            "equal messages are not equal bytes"
        )
        if case .result(let result) = envelope.payload, let throughput = result.throughput {
            try IPerf3Properties.checkBounds(throughput)
            try IPerf3Properties.checkBounds(.merging(client: throughput, server: throughput))
        }
    }

    static func checkControl(_ bytes: [UInt8]) throws(PropertyBroken) {
        try checkRoundTrip(ControlRequest.self, bytes)
        try checkRoundTrip(ControlReply.self, bytes)
    }

    private static func checkRoundTrip<Message: Codable & Equatable>(
        _ type: Message.Type,
        _ bytes: [UInt8]
    ) throws(PropertyBroken) {
        guard let message = try? LinkJSON.decode(type, from: Data(bytes)) else { return }
        guard let written = try? LinkJSON.encode(message), let again = try? LinkJSON.decode(type, from: Data(written))
        else { throw PropertyBroken("a \(type) that was read cannot be written and read again") }
        try require(again == message, "reading what was written gives another \(type)")
    }
}
