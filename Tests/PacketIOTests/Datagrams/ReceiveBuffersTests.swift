internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite(.timeLimit(.minutes(3)), .ownThread) struct ReceiveBuffersTests {
    @Test func `a call takes as many runs as there is room for, and the next ones the rest`() throws {
        var sender = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var buffers = try ReceiveBuffers(capacity: 4)
        #expect(try receiver.receive(into: &buffers) == 0)
        for number in 0..<10 {
            let count = number + 1
            #expect(
                sender.send(.init(repeating: UInt8(number), count: count * 100), segment: 100, to: receiver.address)
                    == .all(count)
            )
        }
        var next = 0
        for runs in [4, 4, 2, 0] {
            #expect(try receiver.receive(into: &buffers) == runs)
            #expect(buffers.count == runs)
            for run in 0..<runs {
                #expect(buffers.datagrams(run) == next + 1 && buffers.segment(run) == 100)
                #expect(buffers.bytes(run).byteCount == (next + 1) * 100)
                let (first, last) = unsafe buffers.bytes(run).withUnsafeBytes { unsafe ($0.first, $0.last) }
                #expect(first == UInt8(next) && last == UInt8(next))
                next += 1
            }
        }
    }

    @Test func `one sender's datagram of a run's place does not keep that run's length`() throws {
        var sender = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var buffers = try ReceiveBuffers(capacity: 1)
        for (bytes, segment, datagrams) in [(5_000, 1_000, 5), (3_000, 0, 1), (2_000, 999, 3), (0, 0, 1)] {
            #expect(sender.send(Arrival.pattern(bytes), segment: segment, to: receiver.address) == .all(datagrams))
            #expect(try receiver.receive(into: &buffers) == 1)
            #expect(buffers.datagrams(0) == datagrams && buffers.length(0) == bytes)
            #expect(buffers.isTruncated(0) == false)
        }
    }

    @Test(arguments: [0, 60]) func `what is longer than its buffer is cut, and marked`(segment: Int) throws {
        var sender = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var buffers = try ReceiveBuffers(capacity: 2, bytes: 100)
        let bytes = Arrival.pattern(300)
        #expect(sender.send(bytes, segment: segment, to: receiver.address).obstacle == nil)
        #expect(sender.send(Array(bytes.prefix(100)), to: receiver.address).obstacle == nil)
        #expect(try receiver.receive(into: &buffers) == 2)
        #expect(buffers.isTruncated(0) && !buffers.isTruncated(1))
        #expect(buffers.length(0) == 100 && buffers.length(1) == 100)
        #expect(buffers.segment(0) == (segment == 0 ? 100 : segment))
        #expect(unsafe buffers.bytes(0).withUnsafeBytes { unsafe Array($0) } == Array(bytes.prefix(100)))
    }

    @Test func `bytes can be changed in place`() throws {
        var sender = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var buffers = try ReceiveBuffers(capacity: 1)
        #expect(sender.send([1, 2, 3], segment: 2, to: receiver.address) == .all(2))
        #expect(try receiver.receive(into: &buffers) == 1)
        do {
            var span = buffers.mutableBytes(0)
            #expect(span.byteCount == 3)
            span.storeBytes(of: 7, toByteOffset: 1, as: UInt8.self)
        }
        #expect(unsafe buffers.bytes(0).withUnsafeBytes { unsafe Array($0) } == [1, 7, 3])
    }
}
