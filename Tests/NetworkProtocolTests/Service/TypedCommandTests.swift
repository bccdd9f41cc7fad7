internal import NIOCore
internal import NIOPosix
internal import Testing

@testable import NetworkProtocol

/// Commands whose payloads are values, and connections on the program's own event loops.
@Suite("A typed command", .timeLimit(.minutes(1)))
struct TypedCommandTests {
    struct Order: Codable, Equatable { var item: String, count: Int }
    struct Receipt: Codable, Equatable { var items: [String] }

    private var dispatcher: Dispatcher {
        var dispatcher = Dispatcher.forTests
        dispatcher.onCommand("order", taking: Order.self) { order, _ in
            Receipt(items: Array(repeating: order.item, count: order.count))
        }
        return dispatcher
    }

    @Test func `a typed command takes a value and gives one back`() async throws {
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            let order = Order(item: "tea", count: 2)
            let receipt = try await client.request("order", sending: order, returning: Receipt.self)
            #expect(receipt == Receipt(items: ["tea", "tea"]))
            // As bytes it is JSON.
            let bytes = try await client.request("order", Array(#"{"item":"tea","count":1}"#.utf8))
            #expect(bytes == Array(#"{"items":["tea"]}"#.utf8))
        }
    }

    @Test func `a typed command refuses a payload that is no such value, and takes no reply that is none`() async throws
    {
        try await TestDaemon.with(.unix, dispatcher) { daemon in
            let client = try await daemon.connect(.unix)
            let refused = ConnectionError.refused(
                code: .refused,
                reason: "the payload of order is not what the command takes"
            )
            await #expect(throws: refused) { try await client.request("order", Array("{}".utf8)) }
            let error = await #expect(throws: PayloadCodingError.self) {
                try await client.request("order", sending: Order(item: "tea", count: 1), returning: Int.self)
            }
            #expect(error?.step == .decodingReply)
        }
    }

    @Test func `a typed command runs on the event loops that the program gives`() async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        try await TestDaemon.with(.unix, dispatcher, { $0.connection.eventLoopGroup = group }) { daemon in
            let client = try await daemon.connect(.unix) { $0.connection.eventLoopGroup = group }
            let connection = try await client.connection()
            #expect(connection.channel.eventLoop === group.next())
            _ = try await client.request("order", sending: Order(item: "tea", count: 1), returning: Receipt.self)
            let open = daemon.daemon.openConnections
            #expect(open.allSatisfy { $0.channel.eventLoop === group.next() } && !open.isEmpty)
            await client.close()
        }
        try await group.shutdownGracefully()
    }
}
