internal import OwnThread
internal import Testing

@testable import PacketIO

@Suite(.timeLimit(.minutes(3)), .ownThread) struct PollSetTests {
    private static let millisecond: Int64 = 1_000_000
    private static var inFiveSeconds: Int64 { KernelClock.monotonic + 5_000 * millisecond }

    @Test func `a deadline ends a wait no earlier than it is, and one that is past only looks`() throws {
        var sender = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var set = PollSet()
        let index = set.add(receiver)
        let deadline = KernelClock.monotonic + 20 * Self.millisecond
        #expect(try !set.wait(until: deadline))
        #expect(KernelClock.monotonic >= deadline)
        #expect(!set.hasArrivals(index) && !set.hasRoom(index) && !set.isWoken)
        #expect(try !set.wait(until: 0))
        #expect(sender.send([1], to: receiver.address) == .all(1))
        #expect(try set.wait(until: 0))
        #expect(set.hasArrivals(index))
    }

    @Test func `only the sockets that are ready are reported`() throws {
        var four = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        var six = try PacketSocket(InternetAddress(.loopbackIPv6, port: 0))
        var set = PollSet()
        let (first, second) = (set.add(four), set.add(six))
        var buffers = try ReceiveBuffers(capacity: 1)
        #expect(six.send([1], to: six.address) == .all(1))
        #expect(try set.wait(until: Self.inFiveSeconds))
        #expect(!set.hasArrivals(first) && set.hasArrivals(second))
        #expect(try six.receive(into: &buffers) == 1)
        #expect(four.send([1], to: four.address) == .all(1))
        #expect(try set.wait(until: Self.inFiveSeconds))
        #expect(set.hasArrivals(first) && !set.hasArrivals(second))
        #expect(try four.receive(into: &buffers) == 1)
        // Room is there at once, where it is asked for.
        set.awaitRoom(second, true)
        #expect(try set.wait(until: Self.inFiveSeconds))
        #expect(!set.hasRoom(first) && set.hasRoom(second) && !set.hasArrivals(second))
        set.awaitRoom(second, false)
        #expect(try !set.wait(until: 0))
    }

    @Test func `another thread ends a wait, and every later one until it is cleared`() throws {
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let wakeUp = try WakeUp()
        var set = PollSet(wakeUp)
        let index = set.add(receiver)
        let thread = try WorkThread("waker") {
            KernelClock.sleep(20 * Self.millisecond)
            wakeUp.signal()
        }
        #expect(try set.wait(until: Self.inFiveSeconds))
        #expect(set.isWoken && !set.hasArrivals(index))
        thread.join()
        #expect(try set.wait(until: 0))
        wakeUp.clear()
        #expect(try !set.wait(until: 0))
        #expect(!set.isWoken)
    }

    @Test func `without a deadline a wait ends when something arrives`() throws {
        let receiver = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
        let address = receiver.address
        var set = PollSet()
        let index = set.add(receiver)
        let thread = try WorkThread("sender") {
            KernelClock.sleep(20 * Self.millisecond)
            guard var sender = try? PacketSocket(InternetAddress(.loopbackIPv4, port: 0)) else { return false }
            return sender.send([1], to: address) == .all(1)
        }
        #expect(try set.wait(until: nil))
        #expect(set.hasArrivals(index) && thread.join())
    }
}
