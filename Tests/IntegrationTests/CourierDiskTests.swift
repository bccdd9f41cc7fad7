internal import Foundation
internal import Operations
internal import Testing

/// Receivers whose disk fails, on a file system of their own.
@Suite("courier and disks that fail", .timeLimit(.minutes(3)))
struct CourierDiskTests {
    /// A receiver in a mount namespace, in which `in` is a file system of a few megabytes.
    private struct Receiver {
        let folder: String
        let child: ChildProcess
        let ticket: String

        static func start(_ folder: String, mebibytes: Int) async throws -> Receiver {
            try #require(geteuid() == 0, "this test mounts a file system: run it as root")
            let output = folder + "/ticket"
            let line = """
                mkdir -p '\(folder)/in' && mount -t tmpfs -o size=\(mebibytes)m tmpfs '\(folder)/in' &&
                exec "$0" receive --yes --listen 127.0.0.1:0 --to '\(folder)/in' --key '\(folder)/receiver' > '\(output)'
                """
            let child = try await ChildProcess.start(
                "unshare",
                ["--mount", "/bin/sh", "-c", line, try Tool.path("courier")],
                environment: ["XDG_STATE_HOME": folder]
            )
            do {
                let ticket = try await eventually("receive prints a ticket") { () -> String? in
                    try #require(child.isRunning)
                    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    return text.hasSuffix("\n") ? text.split(separator: "\n").first.map(String.init) : nil
                }
                return Receiver(folder: folder, child: child, ticket: ticket)
            } catch {
                await child.terminate()
                throw error
            }
        }

        func send(_ arguments: String...) async throws -> Tool.Result {
            try await Tool.run("courier", ["send"] + arguments + [ticket], ["XDG_STATE_HOME": folder + "/sender"])
        }

        /// Runs a command where the receiver's mounts are.
        @discardableResult
        func inside(_ line: String) async throws -> String {
            let command = ["--mount", "--target", "\(child.pid)", "/bin/sh", "-c", line]
            let exit = try await ChildProcess.start("nsenter", command).exit()
            try #require(exit.code == 0, "\(line): \(String(decoding: exit.errorOutput, as: UTF8.self))")
            return String(decoding: exit.output, as: UTF8.self)
        }
    }

    private func with(mebibytes: Int, _ body: (Receiver) async throws -> Void) async throws {
        try await Tool.inFolder { folder in
            let receiver = try await Receiver.start(folder, mebibytes: mebibytes)
            do { try await body(receiver) } catch {
                await receiver.child.terminate()
                throw error
            }
            await receiver.child.terminate()
        }
    }

    private func make(_ path: String, bytes: Int) throws {
        let block = Data((0..<65_521).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) })
        var data = Data(capacity: bytes)
        while data.count + block.count <= bytes { data.append(block) }
        data.append(block.prefix(bytes - data.count))
        try data.write(to: URL(fileURLWithPath: path))
    }

    @Test func `a full disk fails the file, says so at both ends, and keeps what arrived`() async throws {
        try await with(mebibytes: 4) { receiver in
            let file = receiver.folder + "/large"
            try make(file, bytes: 8_000_000)
            let full = try await receiver.send(file)
            #expect(full.code == 1, "\(full.errors)")
            #expect(full.errors.contains("No space left on device") && full.errors.contains("free space there"))
            #expect(try await receiver.inside("ls '\(receiver.folder)/in'").contains("large.courier-part"))
            try await receiver.inside("mount -o remount,size=32m '\(receiver.folder)/in'")
            let again = try await receiver.send(file, "--json")
            #expect(again.code == 0, "\(again.errors)")
            let report = try again.json()
            let kept = try #require(report["kept_bytes"] as? Int)
            // All that found room but for the chunk that did not.
            #expect(kept > 2_000_000, "\(kept)")
            let sums = try await receiver.inside("b3sum < '\(receiver.folder)/in/large'; b3sum < '\(file)'")
            #expect(Set(sums.split(separator: "\n")).count == 1)
        }
    }

    @Test func `on a full disk small files fail one by one, and the next transfer brings them`() async throws {
        try await with(mebibytes: 2) { receiver in
            let folder = receiver.folder + "/many"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            for index in 0..<100 { try make(folder + "/\(index)", bytes: 40_000) }
            let full = try await receiver.send(folder)
            #expect(full.code == 1 && full.errors.contains("No space left on device"), "\(full.errors)")
            // None of those that are there is incomplete.
            let sizes = try await receiver.inside(
                "find '\(receiver.folder)/in/many' -type f -printf '%s %m\\n' | sort -u"
            )
            #expect(sizes == "40000 644\n", "\(sizes)")
            try await receiver.inside("mount -o remount,size=32m '\(receiver.folder)/in'")
            let again = try await receiver.send(folder)
            #expect(again.code == 0, "\(again.errors)")
            let differences = try await receiver.inside("diff -r '\(folder)' '\(receiver.folder)/in/many' && echo none")
            #expect(differences == "none\n")
        }
    }

    @Test func `a folder that can no longer be written in, or is gone, fails the file with what to do`() async throws {
        try await with(mebibytes: 16) { receiver in
            let file = receiver.folder + "/large"
            try make(file, bytes: 300_000)
            try await receiver.inside("mount -o remount,ro '\(receiver.folder)/in'")
            let readOnly = try await receiver.send(file)
            #expect(readOnly.code == 1 && readOnly.errors.contains("Read-only file system"), "\(readOnly.errors)")
            #expect(readOnly.errors.contains("--to"))
            try await receiver.inside("mount -o remount,rw '\(receiver.folder)/in'")
            try FileManager.default.createDirectory(
                atPath: receiver.folder + "/d/e",
                withIntermediateDirectories: true
            )
            try make(receiver.folder + "/d/e/small", bytes: 10)
            #expect(try await receiver.send(receiver.folder + "/d").code == 0)
            #expect(try await receiver.send(file).code == 0)
        }
    }

    @Test func `a source that shrinks while it is sent fails with its name, and the rest arrives`() async throws {
        try await with(mebibytes: 16) { receiver in
            let files = [receiver.folder + "/first", receiver.folder + "/second"]
            for file in files { try make(file, bytes: 1_500_000) }
            let line = """
                "$0" send '\(files[0])' '\(files[1])' '\(receiver.ticket)' --limit-rate 2M & sender=$!
                until [ -e '/proc/\(receiver.child.pid)/root\(receiver.folder)/in/first.courier-part' ]; do sleep 0.02; done
                : > '\(files[0])'; wait $sender
                """
            let exit = try await ChildProcess.start(
                "/bin/sh",
                ["-c", line, try Tool.path("courier")],
                environment: ["XDG_STATE_HOME": receiver.folder + "/sender"]
            ).exit()
            let errors = String(decoding: exit.errorOutput, as: UTF8.self)
            #expect(exit.code == 1 && errors.contains("first"), "\(errors)")
            #expect(errors.contains("changed") || errors.contains("shorter"), "\(errors)")
            let names = try await receiver.inside("ls '\(receiver.folder)/in'")
            #expect(names.contains("second\n") && !names.contains("first\n"), "\(names)")
        }
    }
}
