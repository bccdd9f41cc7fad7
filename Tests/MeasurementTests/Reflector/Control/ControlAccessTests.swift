internal import Foundation
internal import Glibc
internal import Operations
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Who may use the control socket", .timeLimit(.minutes(3)))
struct ControlAccessTests {
    /// Becomes, in another process, the user `nobody`, who owns nothing here: connects to the socket and reports what
    /// came of it.
    private func connectAsNobody(to path: String) async throws -> String {
        let script = """
            import os,socket,sys
            os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
            try:
                socket.socket(socket.AF_UNIX).connect(sys.argv[1]); print("connected")
            except OSError as error:
                print(os.strerror(error.errno))
            """
        let exit = try await ChildProcess.start("python3", ["-c", script, path]).exit()
        #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
        return String(decoding: exit.output, as: UTF8.self).trimmingCharacters(in: .newlines)
    }

    @Test func `another user of the host is refused by the folder, and by the socket itself when the folder is open`()
        async throws
    {
        try #require(geteuid() == 0, "this test becomes another user: run it as root")
        try await TestReflector.with { reflector in
            let path = ControlSocket.path(inFolder: reflector.folder)
            #expect(try await connectAsNobody(to: path) == "Permission denied")
            // The socket keeps the mode that the server gave it.
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: reflector.folder)
            #expect(try await connectAsNobody(to: path) == "Permission denied")
            // The owner still gets through, and so would any user if both checks were off: the refusals were real.
            guard case .status = try await reflector.ask(.status) else {
                Issue.record("the owner was refused")
                return
            }
            try FileManager.default.setAttributes([.posixPermissions: 0o666], ofItemAtPath: path)
            #expect(try await connectAsNobody(to: path) == "connected")
        }
    }
}
