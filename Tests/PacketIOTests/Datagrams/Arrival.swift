internal import Testing

@testable import PacketIO

/// A datagram as a test sees it.
struct Arrival: Equatable {
    let bytes: [UInt8]
    /// Which of all runs it came in.
    let run: Int
    let source: InternetAddress?
    let local: InternetHost?

    static let fiveSeconds: Int64 = 5_000_000_000

    /// Waits for `count` datagrams, or for none to come in time.
    static func collect(
        _ count: Int,
        at socket: borrowing PacketSocket,
        _ buffers: inout ReceiveBuffers,
        for nanoseconds: Int64 = Self.fiveSeconds
    ) throws -> [Arrival] {
        var set = PollSet()
        let index = set.add(socket)
        var arrivals: [Arrival] = []
        var runs = 0
        let deadline = KernelClock.monotonic + nanoseconds
        while arrivals.count < count, try set.wait(until: deadline) {
            #expect(set.hasArrivals(index))
            for run in 0..<(try socket.receive(into: &buffers)) {
                arrivals += Self.split(buffers, run, number: runs)
                runs += 1
            }
        }
        return arrivals
    }

    static func collect(_ count: Int, at socket: borrowing PacketSocket) throws -> [Arrival] {
        var buffers = try ReceiveBuffers(capacity: 16)
        return try collect(count, at: socket, &buffers)
    }

    private static func split(_ buffers: borrowing ReceiveBuffers, _ run: Int, number: Int) -> [Arrival] {
        let segment = buffers.segment(run)
        // Copied while the buffers are borrowed.
        let all = unsafe buffers.bytes(run).withUnsafeBytes { unsafe Array($0) }
        #expect(all.count == buffers.length(run) && segment <= all.count)
        return (0..<buffers.datagrams(run)).map { datagram in
            Arrival(
                bytes: Array(all.dropFirst(datagram * segment).prefix(segment)),
                run: number,
                source: buffers.source(run),
                local: buffers.local(run)
            )
        }
    }

    /// Bytes of which no two places nearby look alike.
    static func pattern(_ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
    }

    /// The same cut into datagrams of `segment` bytes.
    static func cut(_ bytes: [UInt8], _ segment: Int) -> [[UInt8]] {
        stride(from: 0, to: bytes.count, by: segment).map { Array(bytes[$0..<min($0 + segment, bytes.count)]) }
    }
}

extension PacketSocket {
    mutating func send(
        _ bytes: [UInt8],
        segment: Int = 0,
        to remote: InternetAddress,
        from local: InternetHost? = nil
    ) -> SendResult {
        unsafe send(bytes.span.bytes, segment: segment, to: remote, from: local)
    }
}

extension SendResult {
    static func all(_ datagrams: Int) -> SendResult { SendResult(datagrams: datagrams, obstacle: nil) }
    static func none(_ obstacle: Obstacle) -> SendResult { SendResult(datagrams: 0, obstacle: obstacle) }
}
