internal import CNetworkNamespace
internal import Glibc
internal import OwnThread
internal import Testing

@testable import PacketIO

/// In a network namespace: loopback with the MTU 1280, no routes to elsewhere.
@Suite("A packet socket in a network of its own", .timeLimit(.minutes(3)), .ownThread) struct PacketSocketNamespaceTests
{
    private static let mtu = 1_280

    /// Runs `body` on a thread that has its own network.
    private func apart(_ body: @escaping @Sendable () throws -> Void) throws {
        try #require(geteuid() == 0, "this test needs a network namespace: run it as root")
        let thread = try WorkThread("namespace") { () -> Result<Void, any Error> in
            do {
                try #require(enter_network_namespace(Int32(Self.mtu)) == 0)
                try body()
                return .success(())
            } catch {
                return .failure(error)
            }
        }
        try thread.join().get()
    }

    @Test func `datagrams beyond the MTU are too large, and that is no reason to segment no more`() throws {
        try self.apart {
            for host in PacketSocketTests.loopbacks {
                var sender = try PacketSocket(InternetAddress(host, port: 0))
                let receiver = try PacketSocket(InternetAddress(host, port: 0))
                let longest = Self.mtu - (host.isIPv4 ? 28 : 48)
                for sendsRuns in [true, false] {
                    sender.sendsRuns = sendsRuns
                    let bytes = Arrival.pattern(longest * 10)
                    #expect(sender.send(bytes, segment: longest, to: receiver.address) == .all(10))
                    #expect(
                        try Arrival.collect(10, at: receiver).map(\.bytes.count) == .init(repeating: longest, count: 10)
                    )
                    #expect(sender.send(bytes, segment: longest + 1, to: receiver.address) == .none(.tooLarge))
                    #expect(sender.send(bytes, to: receiver.address) == .none(.tooLarge))
                    #expect(sender.sendsRuns == sendsRuns)
                }
            }
        }
    }

    @Test func `the path MTU is that of the device`() throws {
        try self.apart {
            for host in PacketSocketTests.loopbacks {
                let routed = try PacketSocket.pathMTU(to: InternetAddress(host, port: 9))
                let bound = try PacketSocket.pathMTU(to: InternetAddress(host, port: 9), from: host)
                #expect(routed == Self.mtu && bound == Self.mtu)
            }
        }
        // The usual loopback device has 65 536, which is more than an IPv4 packet can have.
        #expect(try PacketSocket.pathMTU(to: InternetAddress(.loopbackIPv4, port: 9)) == 65_535)
        #expect(try PacketSocket.pathMTU(to: InternetAddress(.loopbackIPv6, port: 9)) == 65_536)
    }

    @Test func `a place without a route is unreachable`() throws {
        try self.apart {
            var four = try PacketSocket(InternetAddress(.anyIPv4, port: 0))
            var six = try PacketSocket(InternetAddress(.anyIPv6, port: 0))
            let bytes = Arrival.pattern(3_000)
            for segment in [0, 1_000] {
                let (to4, to6) = (InternetAddress("192.0.2.1:9"), InternetAddress("[2001:db8::1]:9"))
                #expect(four.send(bytes, segment: segment, to: try #require(to4)) == .none(.unreachable))
                #expect(six.send(bytes, segment: segment, to: try #require(to6)) == .none(.unreachable))
            }
            #expect(four.sendsRuns && six.sendsRuns)
        }
    }

    @Test func `a full send buffer says how many datagrams it took`() throws {
        try self.apart {
            let device = add_silent_device()
            try #require(device >= 0)
            defer { close(device) }
            let silent = try #require(InternetAddress("198.51.100.2:9"))
            let bytes = Arrival.pattern(60_000)
            for sendsRuns in [true, false] {
                var sender = try PacketSocket(InternetAddress(.anyIPv4, port: 0), buffer: 40_000)
                sender.sendsRuns = sendsRuns
                var datagrams = 0
                var result = SendResult.all(0)
                while result.obstacle == nil, datagrams < 1_000 {
                    result = sender.send(bytes, segment: 1_000, to: silent)
                    datagrams += result.datagrams
                }
                #expect(result.obstacle == .wouldBlock)
                // The kernel takes a run whole or not at all.
                #expect(sendsRuns ? datagrams % 60 == 0 : (10..<60).contains(datagrams))
                #expect(sender.sendsRuns == sendsRuns)
                // Nothing makes room, so a wait for it ends with the deadline.
                var set = PollSet()
                let index = set.add(sender)
                set.awaitRoom(index, true)
                #expect(try !set.wait(until: KernelClock.monotonic + 10_000_000))
                #expect(!set.hasRoom(index))
            }
        }
    }
}
