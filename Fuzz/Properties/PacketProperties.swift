internal import NetworkProtocol

/// The byte stream of a connection.
enum PacketProperties {
    /// Longest payload in bytes that the first byte of an input can choose.
    private static let limits = [0, 16, HandshakeLimits.maximumPayloadLength, PacketHeader.maximumPayloadLength]
    /// Bytes by which an array's room is more than what was asked for.
    private static let slack = 1 << 13

    /// The first byte chooses the limit and how the stream is cut, the rest is the stream.
    ///
    /// However a stream is cut, the same packets come out and the same error at the same byte; the packets are what the
    /// stream was up to there; none is longer than the limit; what is made for a payload that has begun is bounded.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        guard let choice = bytes.first else { return }
        let stream = Array(bytes.dropFirst())
        let limit = limits[Int(choice >> 6)]
        let whole = try decode(stream, limit: limit) { _ in stream.count }
        var generator = SplitMix64(seed: UInt64(choice))
        let longest = 1 + Int(choice & 0x3f)
        let cut = try decode(stream, limit: limit) { _ in Int.random(in: 1...longest, using: &generator) }
        try require(cut == whole, "the packets depend on how the stream is cut")
        let single = try decode(stream, limit: limit) { _ in 1 }
        try require(single == whole, "the packets depend on whether single bytes come")
        try checkAgainstStream(whole, stream, limit: limit)
    }

    private struct Packets: Equatable {
        var packets: [Packet] = []
        var error: PacketError?
        /// Bytes of the stream up to the one that is wrong; all when none is.
        var good = 0
        var isInsidePacket = false
    }

    private static func decode(
        _ stream: [UInt8],
        limit: Int,
        pieces: (Int) -> Int
    ) throws(PropertyBroken) -> Packets {
        var decoder = PacketDecoder(limit: limit)
        var result = Packets()
        var rest = stream[...]
        while !rest.isEmpty {
            var piece = rest.prefix(pieces(rest.count))
            rest = rest.dropFirst(piece.count)
            do throws(PacketError) {
                while let packet = try decoder.next(&piece) { result.packets.append(packet) }
            } catch {
                result.error = error
                // The wrong byte was taken from the piece.
                result.good = piece.startIndex - stream.startIndex - 1
                return result
            }
            try require(piece.isEmpty, "\(piece.count) bytes were neither taken nor refused")
            try require(
                decoder.room <= min(limit, PacketDecoder.firstRoom) + slack,
                "room of \(decoder.room) bytes was made"
            )
            try require(decoder.missing <= limit, "\(decoder.missing) bytes are missing, and \(limit) allowed")
        }
        result.good = stream.count
        result.isInsidePacket = decoder.isInsidePacket
        return result
    }

    private static func checkAgainstStream(
        _ result: Packets,
        _ stream: [UInt8],
        limit: Int
    ) throws(PropertyBroken) {
        var again: [UInt8] = []
        for packet in result.packets {
            try require(packet.payload.count <= limit, "a payload of \(packet.payload.count) bytes passed \(limit)")
            try require(
                packet.payload.count == packet.header.payloadLength,
                "a payload has \(packet.payload.count) bytes, its header says \(packet.header.payloadLength)"
            )
            try require(packet.header.flags.rawValue < 7 && packet.header.flags.rawValue != 3, "wrong flags passed")
            again += packet.header.bytes + packet.payload
        }
        try require(stream.starts(with: again), "the packets are not the stream")
        if let error = result.error {
            try ErrorText.check(error)
            try require(
                (0..<PacketHeader.length).contains(result.good - again.count),
                "\(error), \(result.good - again.count) bytes behind the last packet"
            )
        } else {
            try require(result.isInsidePacket == (again.count < stream.count), "it is not known whether a packet began")
        }
    }
}
