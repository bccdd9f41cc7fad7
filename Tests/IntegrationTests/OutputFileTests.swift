internal import Foundation
internal import Operations
internal import Testing

/// Where results are written, and where messages go.
@Suite("Files and streams of the tools", .timeLimit(.minutes(5)))
struct OutputFileTests {
    @Test func `--html replaces regular files only, keeps a symbolic link, and says so before anything is measured`()
        async throws
    {
        try await Installation.with { installation in
            let folder = installation.folder + "/out"
            try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
            let pipe = folder + "/pipe"
            #expect(mkfifo(pipe, 0o600) == 0)
            for (place, words) in [
                (folder, "give the path of a file"), (pipe, "give the path of a file"),
                (folder + "/none/x.html", "does not exist"),
            ] {
                // No reflector is paired: what is refused here is refused before a reflector is looked for.
                let result = try await installation.paramedic("run", "--html", place)
                #expect(result.code == 64)
                #expect(result.errors.contains(words), "\(result.errors)")
            }
            let type = try FileManager.default.attributesOfItem(atPath: pipe)[.type] as? FileAttributeType
            #expect(type != .typeRegular)
        }
    }

    @Test(
        arguments: ["reflector", "paramedic"]
    )
    func `a standard error that cannot be written costs the message and nothing else`(tool: String) async throws {
        try await Installation.with { installation in
            let command = tool == "reflector" ? "status" : "reflectors"
            for redirection in ["2>/dev/full", "2>&-"] {
                let line = "'\(try Tool.path(tool))' \(command) \(redirection); echo $?"
                let exit = try await ChildProcess.start("sh", ["-c", line], environment: installation.environment)
                    .exit()
                let output = String(decoding: exit.output, as: UTF8.self)
                #expect(output.hasSuffix(tool == "reflector" ? "3\n" : "1\n"), "\(output)")
            }
        }
    }

    @Test func `a pipe that another process made non-blocking gets all of the output`() async throws {
        try await Installation.with { installation in
            // The reader takes its time, so that the pipe fills up.
            let script = """
                import fcntl, os, subprocess, sys, time
                r, w = os.pipe()
                fcntl.fcntl(w, fcntl.F_SETPIPE_SZ, 4096)
                fcntl.fcntl(w, fcntl.F_SETFL, fcntl.fcntl(w, fcntl.F_GETFL) | os.O_NONBLOCK)
                os.write(w, b"x" * 4090)
                child = subprocess.Popen(sys.argv[1:], stdout=w)
                os.close(w)
                time.sleep(1)
                read = b""
                while True:
                    part = os.read(r, 1 << 16)
                    if not part: break
                    read += part
                sys.exit(0 if child.wait() == 0 and read[4090:].split() == [b"[", b"]"] else 1)
                """
            let exit = try await ChildProcess.start(
                "python3",
                ["-c", script, Tool.path("paramedic"), "reflectors", "--json"],
                environment: installation.environment
            ).exit()
            #expect(exit.code == 0, "\(String(decoding: exit.errorOutput, as: UTF8.self))")
        }
    }

    @Test func `a reflector's name is something that can be typed`() async throws {
        try await Installation.with { installation in
            for name in ["", " ", "a\u{1b}[31m"] {
                let result = try await installation.paramedic("reflectors", "rename", "vps", name)
                #expect(result.code == 1)
                #expect(result.errors.contains("printable"), "\(result.errors)")
            }
        }
    }
}
