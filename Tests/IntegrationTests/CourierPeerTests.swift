internal import Foundation
internal import Operations
internal import Testing

/// With a peer in Python, written from `Docs/COURIER-PROTOCOL.md` alone.
@Suite("courier beside another implementation", .timeLimit(.minutes(8)))
struct CourierPeerTests {
    @Test func `files of all sizes, losses, key changes, cookies and resumption work with a peer in Python, both ways`()
        async throws
    {
        let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        let packages = tests.deletingLastPathComponent().path + "/.build/python"
        let script = tests.path + "/CourierPeer/check.sh"
        let run = try await ChildProcess.start("/bin/bash", [script, try Tool.path("courier"), packages]).exit()
        let output = String(decoding: run.output + run.errorOutput, as: UTF8.self)
        let lines = output.split(separator: "\n").filter { !$0.contains("pass") }.joined(separator: "\n")
        #expect(run.code == 0, "\(lines)")
        #expect(output.split(separator: "\n").count(where: { $0.contains("pass") }) >= 40)
    }
}
