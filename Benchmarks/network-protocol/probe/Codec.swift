internal import Glibc
internal import NetworkProtocol

/// Data messages of one length, encoded into a packet in a reused buffer, and decoded.
struct Codec {
    enum Way { case encode, decode }

    private let message: Message
    private let source: [UInt8]
    private var buffer: [UInt8] = []

    init(bytes: Int) {
        source = (0..<max(bytes, 1)).map { UInt8(truncatingIfNeeded: $0 &* 31) }
        message = .data(source)
        buffer.reserveCapacity(source.count + 64)
    }

    @inline(never)
    private mutating func encode() {
        buffer.removeAll(keepingCapacity: true)
        guard let header = try? PacketHeader(flags: [], payloadLength: message.bincodeLength) else {
            fatalError("longer than a packet")
        }
        header.write(to: &buffer)
        message.writeBincode(to: &buffer)
    }

    /// The number of decoded bytes, so that the compiler cannot remove the work.
    @inline(never)
    private func decode() -> Int {
        var decoder = PacketDecoder()
        var input = buffer[...]
        guard let packet = try? decoder.next(&input), case .data(let bytes)? = try? Message(payload: packet.payload)
        else { fatalError("what was encoded is not decoded") }
        return bytes.count
    }

    mutating func run(_ way: Way, count: Int) {
        encode()
        var bytes = 0
        for _ in 0..<count {
            switch way {
            case .encode: encode()
            case .decode: bytes &+= decode()
            }
        }
        if way == .decode, bytes != count * source.count { fatalError("bytes were lost") }
    }

    /// Prints medians of alternating rounds.
    mutating func compare(seconds: Double) {
        var target = [UInt8](repeating: 0, count: source.count)
        var ours: [Double] = []
        var copies: [Double] = []
        encode()
        _ = decode()
        // A round takes about 20 ms.
        let repeats = max(1, 20_000_000 / max(1, source.count / 4))
        let end = ContinuousClock.now + .seconds(seconds)
        repeat {
            let start = ContinuousClock.now
            for _ in 0..<min(repeats, 100_000) {
                encode()
                if decode() != source.count { fatalError("bytes were lost") }
            }
            let middle = ContinuousClock.now
            for _ in 0..<min(repeats, 100_000) {
                copy(source, &buffer)
                copy(buffer, &target)
            }
            let done = ContinuousClock.now
            ours.append((middle - start) / .nanoseconds(1) / Double(min(repeats, 100_000)))
            copies.append((done - middle) / .nanoseconds(1) / Double(min(repeats, 100_000)))
        } while ContinuousClock.now < end
        print("\(median(ours)) \(median(copies))")
    }

    @inline(never)
    private func copy(_ from: [UInt8], _ to: inout [UInt8]) {
        // Both have at least the source's length, and are used for the call only.
        unsafe from.withUnsafeBytes { from in
            unsafe to.withUnsafeMutableBytes { to in
                guard let first = from.baseAddress, let second = to.baseAddress else { return }
                _ = unsafe memcpy(second, first, min(source.count, min(from.count, to.count)))
            }
        }
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}
