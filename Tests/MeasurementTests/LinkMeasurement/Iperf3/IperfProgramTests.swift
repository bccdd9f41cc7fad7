internal import Foundation
internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("An iperf3 and its version")
struct IperfProgramTests {
    @Test(
        arguments: [
            ("iperf 3.12 (cJSON 1.7.15)", "3.12"), ("iperf 3.17.1 (cJSON 1.7.15)", "3.17.1"),
            ("iperf 3.21+ (x)", "3.21+"),
            ("iperf 3.1b3", "3.1b3"), ("iperf 2.x", nil), ("iperf", nil), ("iperf3 3.12", nil), ("", nil),
            ("iperf 3." + String(repeating: "9", count: 40), nil), ("iperf 3.17\u{301} x", nil),
            ("iperf 3.99999999999999999999", nil),
        ] as [(String, String?)]
    )
    func `versions are read as they are printed, and nothing else is one`(line: String, version: String?) {
        #expect(IperfVersion(printed: line)?.text == version)
    }

    @Test func `the padding changes with 3.17`() throws {
        #expect(try #require(IperfVersion("3.17")).usesOAEP)
        #expect(try #require(IperfVersion("3.21+")).usesOAEP)
        #expect(try #require(IperfVersion("4.0")).usesOAEP)
        #expect(try !#require(IperfVersion("3.16")).usesOAEP)
        #expect(try !#require(IperfVersion("3.9.1")).usesOAEP)
    }

    @Test func `a program that is open for writing for a moment longer is asked when it is closed`() async throws {
        let folder = NSTemporaryDirectory() + "ip-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/iperf3"
        try "#!/bin/sh\necho iperf 3.12\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        let writer = try #require(FileHandle(forUpdatingAtPath: path))
        let closing = Task {
            try await Task.sleep(for: .milliseconds(100))
            try writer.close()
        }
        #expect(await IperfProgram.find(path)?.version?.text == "3.12")
        try await closing.value
    }

    @Test func `a program that is replaced is asked again, and one that is asked twice is not started twice`()
        async throws
    {
        let folder = NSTemporaryDirectory() + "ip-\(UUID().uuidString.prefix(8))"
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let path = folder + "/iperf3"
        func put(_ version: String) throws {
            let script = "#!/bin/sh\necho >> \(folder)/asked\necho iperf \(version)\n"
            try script.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }
        #expect(await IperfProgram.find(path) == nil)
        try put("3.12")
        for _ in 0..<3 { #expect(await IperfProgram.find(path)?.version?.text == "3.12") }
        #expect(try Data(contentsOf: URL(fileURLWithPath: folder + "/asked")).count == 1)
        try put("3.17.1")
        #expect(await IperfProgram.find(path)?.version?.text == "3.17.1")
        try "#!/bin/sh\nexit 1\n".write(toFile: path, atomically: true, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        for _ in 0..<3 { #expect(await IperfProgram.find(path) == nil) }
        // What does not say its version is started as it always was.
        try put("new")
        let silent = try #require(await IperfProgram.find(path))
        #expect(silent.version == nil)
        #expect(
            silent.options(for: IperfVersion("3.12")) == [] && silent.incompatibility(of: IperfVersion("3.17")) == nil
        )
        // A folder can be entered, and not run.
        #expect(await IperfProgram.find(folder) == nil)
    }
}
