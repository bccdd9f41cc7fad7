internal import Identity
internal import OwnThread
internal import Testing

@testable import FileTransfer

@Suite("Tickets", .ownThread)
struct TicketTests {
    private let ticket = Ticket(
        endpointID: IdentityKey().endpointID,
        contactSecret: [UInt8](0..<16),
        addresses: [
            Ticket.Address(host: [192, 0, 2, 1], port: 4_900),
            Ticket.Address(host: [UInt8](repeating: 1, count: 16), port: 1),
        ]
    )

    @Test func `a ticket is read as it was written, in either case`() throws {
        #expect(try Ticket(parsing: ticket.text) == ticket)
        #expect(try Ticket(parsing: ticket.text.uppercased()) == ticket)
        let short = Ticket(endpointID: ticket.endpointID, addresses: [])
        #expect(try Ticket(parsing: short.text) == short)
    }

    @Test func `a ticket with any character changed, left out or added is refused`() {
        let text = Array(ticket.text)
        for index in "courier:".count..<text.count {
            var changed = text
            changed[index] = changed[index] == "a" ? "b" : "a"
            var shorter = text
            shorter.remove(at: index)
            var longer = text
            longer.insert("a", at: index)
            for wrong in [changed, shorter, longer] {
                #expect(throws: TicketError.mistyped) { _ = try Ticket(parsing: String(wrong)) }
            }
        }
    }

    @Test(arguments: ["", "courier", "PP-ABC", "https://example.org", String(repeating: "courier:", count: 1_000)])
    func `other text is no ticket`(_ text: String) {
        #expect(throws: TicketError.self) { _ = try Ticket(parsing: text) }
    }
}
