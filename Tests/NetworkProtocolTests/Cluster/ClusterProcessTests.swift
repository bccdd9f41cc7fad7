import Foundation
import Glibc
import NetworkProtocol
import Testing

/// Five members, each a process.
@Suite("Clusters of processes", .timeLimit(.minutes(5)))
struct ClusterProcessTests {
    /// A running ``ClusterPeer`` and what it said so far; killed when the test lets go of it.
    final class Peer {
        private let process = Process()
        private let output = Pipe()
        private var text = ""

        init(_ number: Int, key: ClusterKey, seeds: [String]) throws {
            let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
            let path = URL(fileURLWithPath: tests).deletingLastPathComponent().path + "/ClusterPeer"
            try #require(FileManager.default.isExecutableFile(atPath: path), "\(path) was not built")
            process.executableURL = URL(fileURLWithPath: path)
            process.arguments = ["\(number)", key.hexadecimal] + seeds
            process.standardOutput = output
            try process.run()
        }

        deinit {
            guard process.isRunning else { return }
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        /// Reads until a line begins so, and gives the rest of it. Blocks; a hang ends with the suite's time limit.
        @discardableResult
        func wait(for start: String) throws -> String {
            while true {
                let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
                if let line = lines.first(where: { $0.hasPrefix(start) }) { return String(line.dropFirst(start.count)) }
                let more = output.fileHandleForReading.availableData
                try #require(!more.isEmpty, "it ended without \"\(start)\", after: \(text)")
                text += String(decoding: more, as: UTF8.self)
            }
        }

        func signal(_ number: Int32) { kill(process.processIdentifier, number) }

        /// All it said, after its end.
        func end() -> (status: Int32, lines: [Substring]) {
            text += String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
            process.waitUntilExit()
            return (process.terminationStatus, text.split(separator: "\n"))
        }
    }

    @Test func `one of five processes is killed, and the other four see it fail; one leaves, and three see it leave`()
        throws
    {
        let key = ClusterKey.random()
        var peers: [Peer] = []
        var seeds: [String] = []
        for number in 1...5 {
            let peer = try Peer(number, key: key, seeds: seeds)
            seeds.append(try peer.wait(for: "listening "))
            peers.append(peer)
        }
        for (index, peer) in peers.enumerated() {
            for other in 1...5 where other != index + 1 { try peer.wait(for: "joined \(other)") }
        }
        let killed = peers.remove(at: 2)
        killed.signal(SIGKILL)
        for peer in peers { try peer.wait(for: "failed 3") }
        let leaving = peers.removeLast()
        leaving.signal(SIGTERM)
        let farewell = leaving.end()
        #expect(farewell.status == 0 && farewell.lines.last == "ended")
        for peer in peers { try peer.wait(for: "left 5") }
        // It comes back under its number, at another port.
        let again = try Peer(3, key: key, seeds: Array(seeds.prefix(2)))
        for number in [1, 2, 4] { try again.wait(for: "joined \(number)") }
        peers.append(again)
        for peer in peers { peer.signal(SIGTERM) }
        for peer in peers {
            let end = peer.end()
            #expect(end.status == 0)
            #expect(!end.lines.contains { $0.hasPrefix("failed ") && $0 != "failed 3" }, "\(end.lines)")
        }
    }
}
