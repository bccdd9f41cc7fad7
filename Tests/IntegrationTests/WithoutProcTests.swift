internal import Foundation
internal import Operations
internal import Testing

/// A chroot or a container without /proc, made in a mount namespace of its own. Needs root, or user namespaces.
@Suite("Without /proc", .timeLimit(.minutes(3)))
struct WithoutProcTests {
    /// Runs a tool where an empty folder lies over /proc.
    private func run(_ tool: String, _ arguments: [String], _ environment: [String: String]) async throws -> Tool.Result
    {
        let isolation = geteuid() == 0 ? ["--mount"] : ["--map-root-user", "--mount"]
        let script = "mount -t tmpfs none /proc && exec \"$0\" \"$@\""
        let child = try await ChildProcess.start(
            "unshare",
            isolation + ["sh", "-c", script, try Tool.path(tool)] + arguments,
            environment: environment
        )
        let exit = await child.exit()
        return Tool.Result(
            code: exit.code,
            output: String(decoding: exit.output, as: UTF8.self),
            errors: String(decoding: exit.errorOutput, as: UTF8.self)
        )
    }

    @Test(
        arguments: [
            ("reflector", ["serve"]), ("reflector", ["show-id"]), ("paramedic", ["id"]), ("paramedic", ["reflectors"]),
            ("packetbench", ["id"]),
        ]
    )
    func `a command says that it needs /proc and how to get it, and neither prints the help nor dies of a signal`(
        tool: String,
        arguments: [String]
    ) async throws {
        try await Installation.with { installation in
            let result = try await run(tool, arguments, installation.environment)
            #expect(result.code == 1, "\(result)")
            #expect(result.output.isEmpty, "\(result.output)")
            #expect(result.errors.hasPrefix("\(tool): cannot read /proc/"), "\(result.errors)")
            #expect(result.errors.contains("mount -t proc proc"))
        }
    }

    @Test func `version and help need no /proc, for the arguments do not come from there`() async throws {
        for tool in ["reflector", "paramedic", "packetbench"] {
            let version = try await run(tool, ["--version"], [:])
            #expect(version.code == 0 && version.output.hasPrefix("\(tool) "), "\(version)")
            for arguments in [["--help"], ["-h"], ["help"]] {
                let help = try await run(tool, arguments, [:])
                #expect(help.code == 0 && help.output.contains("USAGE: \(tool)"), "\(arguments): \(help)")
            }
            let wrong = try await run(tool, ["no-such-command"], [:])
            #expect(wrong.code == 64, "\(wrong)")
        }
    }
}
