internal import Foundation
internal import Operations
internal import Synchronization
internal import Testing

@Suite struct TerminalTests {
    @Test func `color needs a terminal and no NO_COLOR`() {
        #expect(Terminal(isTerminal: true).usesColor)
        #expect(!Terminal(isTerminal: false).usesColor)
        #expect(!Terminal(isTerminal: true, environment: ["NO_COLOR": "1"]).usesColor)
        #expect(Terminal(isTerminal: true, environment: ["NO_COLOR": ""]).usesColor)
        #expect(!Terminal(isTerminal: true, environment: ["TERM": "dumb"]).usesColor)
        #expect(Terminal(isTerminal: true).colored("x", .red) == "\u{1b}[31mx\u{1b}[0m")
        #expect(Terminal(isTerminal: false).colored("x", .red) == "x")
        #expect(Terminal(isTerminal: true, columns: 0).columns == 80)
    }

    @Test func `a pipe is no terminal`() {
        let pipe = Pipe()
        let terminal = Terminal.of(pipe.fileHandleForWriting.fileDescriptor, environment: [:])
        #expect(!terminal.isTerminal && terminal.columns == 80)
    }

    @Test func `progress is drawn in place, not too often, cut to the width, and taken away`() {
        var written = ""
        var line = ProgressLine(on: Terminal(isTerminal: true, columns: 10)) {
            written += String(decoding: $0, as: UTF8.self)
        }
        let start = ContinuousClock.Instant.now
        line.show("one", now: start)
        line.show("two", now: start + .milliseconds(50))
        line.show("a longer\nline", now: start + .milliseconds(150))
        line.clear()
        line.clear()
        #expect(written == "\r\u{1b}[Kone\r\u{1b}[Ka longer…\r\u{1b}[K")
    }

    @Test func `without a terminal progress is silent`() {
        var written = 0
        var line = ProgressLine(on: Terminal(isTerminal: false)) { written += $0.count }
        line.show("one")
        line.clear()
        #expect(written == 0)
    }

    @Test func `status and pair are a title with aligned names and values`() {
        let status = KeyValueBlock(
            title: "Reflector Status",
            rows: [
                .init("Endpoint ID", "PP-5R6Q-2M1K-9D3F-...-C3"), .init("Bind Address", "0.0.0.0:4000"),
                .init("Mode", "Tunneled"), .init("Data Dir", "/var/lib/reflector"),
            ]
        )
        #expect(
            status.text == """
                  Reflector Status
                  ================
                  Endpoint ID   : PP-5R6Q-2M1K-9D3F-...-C3
                  Bind Address  : 0.0.0.0:4000
                  Mode          : Tunneled
                  Data Dir      : /var/lib/reflector

                """
        )
        let pair = KeyValueBlock(
            title: "Pairing Mode Enabled",
            rows: [
                .init("Endpoint ID", "PP-5R6Q-2M1K-9D3F-...-C3"),
                .init("Pairing Token", "550e8400-e29b-41d4-a716-446655440000"), .init("Expires In", "10m"),
            ],
            footer: [
                "Share the endpoint ID and pairing token with the peer.",
                "The peer must connect within the TTL window to be authorized.",
            ]
        )
        #expect(
            pair.text == """
                  Pairing Mode Enabled
                  ====================
                  Endpoint ID    : PP-5R6Q-2M1K-9D3F-...-C3
                  Pairing Token  : 550e8400-e29b-41d4-a716-446655440000
                  Expires In     : 10m

                  Share the endpoint ID and pairing token with the peer.
                  The peer must connect within the TTL window to be authorized.

                """
        )
    }

    @Test func `the greeting is a title with aligned names and values`() {
        let greeting = KeyValueBlock(
            title: "PacketParamedic Reflector",
            rows: [
                .init("Endpoint ID", "PP-5R6Q-2M1K-9D3F-...-C3"), .init("Listen", "0.0.0.0:4000"),
                .init("Mode", "Tunneled"),
            ],
            gap: 1,
            ruleLength: 24
        )
        #expect(
            greeting.text == """
                  PacketParamedic Reflector
                  ========================
                  Endpoint ID : PP-5R6Q-2M1K-9D3F-...-C3
                  Listen      : 0.0.0.0:4000
                  Mode        : Tunneled

                """
        )
    }

    @Test func `a table aligns its columns and escapes its cells`() {
        let table = TextTable(
            columns: [.init("Name"), .init("Tests", isNumeric: true), .init("Peer")],
            rows: [["home", "7", "PP-A"], ["a\nb", "12", "PP-B"], ["short"]]
        )
        #expect(
            table.text == """
                  Name   Tests  Peer
                  ------------------
                  home       7  PP-A
                  a\\nb      12  PP-B
                  short

                """
        )
    }
}
