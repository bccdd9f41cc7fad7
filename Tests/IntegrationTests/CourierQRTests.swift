internal import Foundation
internal import Operations
internal import Testing

@Suite("A ticket as a QR code", .timeLimit(.minutes(2)))
struct CourierQRTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .path

    @Test(arguments: [true, false])
    func `another program reads the ticket in it, and the ticket works in capitals`(isReceiver: Bool) async throws {
        try await Tool.inFolder { folder in
            let file = folder + "/file"
            try Data("content".utf8).write(to: URL(fileURLWithPath: file))
            let command = isReceiver ? "receive --yes --once --to '\(folder)/in'" : "send '\(file)'"
            let line = "exec \"$0\" \(command) --qr --listen 127.0.0.1:0 > '\(folder)/out' 2> '\(folder)/err'"
            let child = try await ChildProcess.start(
                "/bin/sh",
                ["-c", line, try Tool.path("courier")],
                environment: ["XDG_STATE_HOME": folder + "/one"]
            )
            func read(_ name: String) -> String { (try? String(contentsOfFile: folder + name, encoding: .utf8)) ?? "" }
            do {
                let ticket = try await eventually("it prints its ticket") { () -> String? in
                    try #require(child.isRunning)
                    return read("/out").split(separator: "\n").first.map(String.init)
                }
                // The light margin is the last line.
                let code = try await eventually("it shows the code") { () -> String? in
                    let lines = read("/err").split(separator: "\n")
                    return lines.count > 10 && Set(lines.last ?? "") == ["█"] ? read("/err") : nil
                }
                try code.write(toFile: folder + "/code", atomically: true, encoding: .utf8)
                let decoded = try await ChildProcess.start(
                    "/bin/sh",
                    ["-c", "/usr/bin/python3 '\(Self.tests)/QRCode/decode.py' < '\(folder)/code'"],
                    environment: [
                        "PYTHONPATH": Self.tests + "/../.build/python", "PYTHONIOENCODING": "utf-8",
                    ]
                ).exit()
                let text = String(decoding: decoded.output, as: UTF8.self)
                #expect(text == ticket.uppercased() + "\n")
                let word = String(text.dropLast())
                let arguments = isReceiver ? ["send", file, word] : ["receive", "--yes", "--to", folder + "/in", word]
                let other = try await Tool.run("courier", arguments, ["XDG_STATE_HOME": folder + "/two"])
                #expect(other.code == 0, "\(other.errors)")
                #expect(try String(contentsOfFile: folder + "/in/file", encoding: .utf8) == "content")
            } catch {
                await child.terminate()
                throw error
            }
            #expect(await child.exit().code == 0)
        }
    }
}
