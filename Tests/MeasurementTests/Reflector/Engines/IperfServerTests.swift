internal import Foundation
internal import Operations
internal import PacketIO
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("iperf3 on the reflector", .timeLimit(.minutes(5)))
struct IperfServerTests {
    /// A folder, and in it a program for iperf3's place that does what `body` of the shell says; `$n` is how often it
    /// ran.
    private func with(_ body: String, _ test: (_ program: String, _ folder: String) async throws -> Void) async throws {
        let folder = NSTemporaryDirectory() + "is-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let program = folder + "/program"
        let script = "#!/bin/sh\necho >> '\(folder)/runs'\nn=$(wc -l < '\(folder)/runs')\n\(body)\n"
        try script.write(toFile: program, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: program)
        try await test(program, folder)
    }

    private func runs(_ folder: String) throws -> Int {
        try String(contentsOfFile: folder + "/runs", encoding: .utf8).count
    }

    @Test func `an iperf3 whose port was taken in the last moment is started again on another`() async throws {
        try await with("[ $n -lt 3 ] && { echo 'Address already in use' >&2; exit 1; }; exec iperf3 \"$@\"") {
            program,
            folder in
            let server = try await IperfServer.start(executable: program, stateFolder: folder)
            #expect(try runs(folder) == 3)
            #expect(PortProbe.isListening(port: server.port, pid: server.process.pid))
            _ = await server.stop()
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["program", "runs"])
        }
    }

    @Test func `an iperf3 that never listens is an error in its own words after three tries, and its key is gone`()
        async throws
    {
        try await with("echo 'no such option' >&2; exit 1") { program, folder in
            let error = await failure { try await IperfServer.start(executable: program, stateFolder: folder) }
            let words = "\(try #require(error))"
            #expect(words.contains("no such option"), "\(words)")
            #expect(try runs(folder) == 3)
            #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["program", "runs"])
        }
    }

    @Test
    func `only the child's own socket on 127.0.0.1 says that it listens, not another process's with the same number`()
        async throws
    {
        let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
        let port = Int(try listener.localAddress().port)
        let child = try await ChildProcess.start("sleep", ["60"])
        #expect(PortProbe.isListening(port: port, pid: getpid()))
        #expect(!PortProbe.isListening(port: port, pid: child.pid))
        let elsewhere = try Socket.listenTCP(InternetAddress(#require(InternetHost("127.0.0.2")), port: 0))
        #expect(!PortProbe.isListening(port: Int(try elsewhere.localAddress().port), pid: getpid()))
        await child.terminate()
        withExtendedLifetime((port, child)) {}
        _ = (listener.raw, elsewhere.raw)
    }
}
