internal import Foundation
internal import Operations
internal import Testing

/// The example of the library `FileTransfer`, with `courier` at its other end.
@Suite("The example of a node", .timeLimit(.minutes(2)))
struct DropExampleTests {
    @Test func `courier and the example send to the example, and both print what b3sum prints`() async throws {
        try await Tool.inFolder { folder in
            let file = folder + "/file"
            try Data((0..<700_000).map { UInt8(truncatingIfNeeded: $0 >> 8) }).write(to: URL(fileURLWithPath: file))
            let output = folder + "/output"
            let child = try await ChildProcess.start(
                "/bin/sh",
                ["-c", "exec \"$0\" receive '\(folder)/in' > '\(output)'", try Tool.path("example-drop")],
                environment: [:]
            )
            do {
                let ticket = try await eventually("the example prints its ticket") { () -> String? in
                    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    return text.hasSuffix("\n") ? text.split(separator: "\n").first.map(String.init) : nil
                }
                let sent = try await Tool.run("courier", ["send", file, ticket], ["XDG_STATE_HOME": folder])
                #expect(sent.code == 0, "\(sent.errors)")
                let digest = try #require(sent.output.split(separator: " ").first)
                let again = try await Tool.run("example-drop", ["send", ticket, file])
                // It has the same size and time, so it stays.
                #expect(again.code == 0 && again.output == "")
                try FileManager.default.setAttributes([.modificationDate: Date()], ofItemAtPath: file)
                let renamed = try await Tool.run("example-drop", ["send", ticket, file])
                #expect(renamed.code == 0 && renamed.output == "\(digest) \(file)\n", "\(renamed.errors)")
                for name in ["file", "file (2)"] {
                    #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/in/" + name)).count == 700_000)
                }
                let here = try await eventually("the example prints what it received") { () -> String? in
                    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    return text.contains("(2)\n") ? text : nil
                }
                #expect(here.contains("\(digest) \(folder)/in/file\n"))
                #expect(here.contains("\(digest) \(folder)/in/file (2)\n"))
                #expect(try await Tool.run("example-drop", ["send", "x", file]).code == 1)
            } catch {
                await child.terminate()
                throw error
            }
            await child.terminate()
        }
    }
}
