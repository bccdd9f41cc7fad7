internal import Foundation
internal import Operations
internal import Testing

/// The scripts of a contributor, with a `swift` and a fuzzing program that only say what the real ones say.
@Suite("Scripts", .timeLimit(.minutes(3)))
struct ScriptTests {
    /// Copies of `scripts/fuzz` and what it needs, in a folder of their own: it writes beside itself.
    private final class Tree: Sendable {
        let folder = NSTemporaryDirectory() + "scripts-\(UUID().uuidString.prefix(8))"

        init() throws {
            let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
                .deletingLastPathComponent().path
            for place in ["scripts", "bin", "built", "Fuzz/Corpus/one", "Fuzz/Corpus/two"] {
                try FileManager.default.createDirectory(
                    atPath: "\(folder)/\(place)",
                    withIntermediateDirectories: true
                )
            }
            for script in ["lib.sh", "fuzz"] {
                try FileManager.default.copyItem(
                    atPath: "\(root)/scripts/\(script)",
                    toPath: "\(folder)/scripts/\(script)"
                )
            }
            for surface in ["one", "two"] {
                try "a".write(toFile: "\(folder)/Fuzz/Corpus/\(surface)/a", atomically: true, encoding: .utf8)
            }
            // Only these, so that no other swift is found.
            for tool in [
                "basename", "bash", "cat", "cp", "dirname", "env", "find", "grep", "head", "id", "ls", "mkdir",
                "mktemp", "objcopy", "rm", "sort", "tail", "wc",
            ] {
                let place = try #require(
                    ["/usr/bin", "/bin"].map { "\($0)/\(tool)" }.first(where: FileManager.default.fileExists)
                )
                try FileManager.default.createSymbolicLink(
                    atPath: "\(folder)/bin/\(tool)",
                    withDestinationPath: place
                )
            }
        }

        deinit { try? FileManager.default.removeItem(atPath: folder) }

        func write(_ text: String, to place: String) throws {
            let path = "\(folder)/\(place)"
            try text.write(toFile: path, atomically: true, encoding: .utf8)
            try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
        }

        /// A `swift` of this version, for which everything is built.
        func addSwift(_ version: String) throws {
            try write(
                """
                #!/bin/bash
                case "$*" in
                    --version) echo "Swift version \(version) (swift-\(version)-RELEASE)" ;;
                    *--show-bin-path*) echo '\(folder)/built' ;;
                esac
                """,
                to: "bin/swift"
            )
        }

        func fuzz(_ arguments: String...) async throws -> (code: Int32, errors: String) {
            let exit = try await ChildProcess.start(
                "\(folder)/scripts/fuzz",
                arguments,
                environment: ["PATH": "\(folder)/bin"]
            ).exit()
            return (exit.code, String(decoding: exit.output + exit.errorOutput, as: UTF8.self))
        }

        var corpus: [String] {
            get throws { try FileManager.default.subpathsOfDirectory(atPath: "\(folder)/Fuzz/Corpus").sorted() }
        }
    }

    @Test(
        arguments: ["", ".", "..", "one/", "./one", "a/b", "/", "one two", "-jobs=2", "--help", "0", "99999999"]
    )
    func `scripts/fuzz refuses what is not the whole name of a surface, and touches no corpus`(argument: String)
        async throws
    {
        let tree = try Tree()
        try tree.addSwift("6.3.1")
        try tree.write("#!/bin/bash\n: > Fuzz/Corpus/ran", to: "built/outpost-fuzz")
        let before = try tree.corpus
        let result = try await tree.fuzz(argument)
        #expect(result.code == 64, "\(result.errors)")
        #expect(try tree.corpus == before)
    }

    @Test func `scripts/fuzz keeps what reaches new code, and exits 0`() async throws {
        let tree = try Tree()
        try tree.addSwift("6.3.1")
        try tree.write(
            """
            #!/bin/bash
            echo "#9	DONE   cov: 1"
            case "$*" in
                *set_cover_merge*) echo new > "${@: -2:1}/new"; echo "MERGE-OUTER: successful in 1 attempt(s)" ;;
                *) echo "Done 9 runs in 1 second(s)" ;;
            esac
            """,
            to: "built/outpost-fuzz"
        )
        let result = try await tree.fuzz("one", "1")
        #expect(result.code == 0, "\(result.errors)")
        #expect(try tree.corpus == ["one", "one/a", "one/new", "two", "two/a"])
    }

    /// How a fuzzing program may end without having fuzzed to its end.
    @Test(
        arguments: [
            // While it fuzzes: libFuzzer's crash, a signal, code under test that exits, a program that says nothing.
            "*max_total_time*) exit 77", "*max_total_time*) kill -KILL $$", "*max_total_time*) exit 0",
            "*max_total_time*) done_; echo 'Done 0 runs in 1 second(s)'; exit 0",
            // An input that was slow, but ended.
            "*max_total_time*) done_; echo 'Done 9 runs in 1 second(s)'; : > Fuzz/Corpus/one/slow-unit-1; exit 0",
            // While it merges: libFuzzer goes on after a crash of the process that it started, and exits 0.
            "*set_cover_merge*) done_; echo 'MERGE-OUTER: successful in 2 attempt(s)'; exit 0",
            "*set_cover_merge*) exit 0", "*set_cover_merge*) exit 1", "*set_cover_merge*) kill -KILL $$",
        ]
    )
    func `scripts/fuzz never exits 0 when something broke or did not run, and goes on with the other surfaces`(
        ending: String
    ) async throws {
        let tree = try Tree()
        try tree.addSwift("6.3.1")
        try tree.write(
            """
            #!/bin/bash
            done_() { echo "#9	DONE   cov: 1"; }
            if [ "$OUTPOST_FUZZ_SURFACE" = one ]; then
                case "$*" in \(ending) ;; esac
            fi
            done_
            case "$*" in
                *set_cover_merge*) echo "MERGE-OUTER: successful in 1 attempt(s)" ;;
                *) echo "Done 9 runs in 1 second(s)" ;;
            esac
            """,
            to: "built/outpost-fuzz"
        )
        let result = try await tree.fuzz("1")
        #expect(result.code == 1, "\(result.errors)")
        #expect(result.errors.contains("broken: one\n"), "\(result.errors)")
        #expect(result.errors.contains("== two, 1 s"), "\(result.errors)")
    }

    @Test func `scripts/fuzz fails when its program cannot start`() async throws {
        let tree = try Tree()
        try tree.addSwift("6.3.1")
        let result = try await tree.fuzz("one", "1")
        #expect(result.code == 1, "\(result.errors)")
    }

    @Test func `an interruption ends scripts/fuzz, not only the surface that it is at`() async throws {
        let tree = try Tree()
        try tree.addSwift("6.3.1")
        try tree.write("#!/bin/bash\nexit 72", to: "built/outpost-fuzz")
        let result = try await tree.fuzz("1")
        #expect(result.code == 130, "\(result.errors)")
        #expect(!result.errors.contains("== two"), "\(result.errors)")
    }

    @Test(
        arguments: [
            (nil, "swift is not in PATH"), ("5.10.1", "is Swift 5.10.1, too old"),
            ("6.2", "is Swift 6.2, too old"), ("x", "printed no version"), ("6.3", nil), ("6.10.2", nil),
            ("7.0-dev", nil),
        ] as [(String?, String?)]
    )
    func `a script says first that Swift is too old, missing or broken, with the version that it needs`(
        version: String?,
        words: String?
    ) async throws {
        let tree = try Tree()
        if let version { try tree.addSwift(version) }
        try tree.write("#!/bin/bash\nexit 72", to: "built/outpost-fuzz")
        let result = try await tree.fuzz("1")
        if let words {
            #expect(result.code == 69, "\(result.errors)")
            #expect(result.errors.contains(words), "\(result.errors)")
            #expect(result.errors.contains("install Swift 6.3 or newer"), "\(result.errors)")
        } else {
            #expect(result.code == 130, "\(result.errors)")
        }
    }
}
