internal import ArgumentParser
internal import Operations
internal import Reflector

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check, export, rotate and repair the audit log.",
        subcommands: [Verify.self, Export.self, Rotate.self, Repair.self]
    )

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the first line that was changed, removed or reordered.",
            discussion: """
                Reads the files that `audit rotate` closed and the current one in order. Old files may have been moved away; \
                then it starts with the first that is there. Exits 0 if the chain is whole and 2 if it is not.
                """
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let report = try LocalState.verifyAudit(try shared.load())
            if shared.json { try CommandOutput.put(json: Output(report)) } else { print(report.sentence) }
            if !report.isIntact { throw ExitCode(2) }
        }

        private struct Output: Encodable {
            var intact: Bool
            var lines: Int64
            var files: Int
            var movedAway: Int64
            var firstBadLine: Int64?
            var detail: String

            init(_ report: AuditReport) {
                intact = report.isIntact
                lines = report.lines
                files = report.files
                movedAway = report.movedAway
                firstBadLine = report.flaw?.line
                detail = report.sentence
            }

            enum CodingKeys: String, CodingKey {
                case intact, lines, files, detail
                case movedAway = "lines_moved_away"
                case firstBadLine = "first_bad_line"
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Print the audit lines since a time.",
            discussion: "JSON lines, unchanged; with --json the same as one JSON array."
        )

        @Option(
            help: ArgumentHelp("RFC 3339 or an age: 24h, 7d. Everything when absent.", valueName: "time"),
            transform: { try AuditExport.since($0) }
        )
        var since: Timestamp?

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try LocalState.exportAudit(
                try shared.load(),
                since: since,
                asArray: shared.json,
                to: CommandOutput.put
            )
        }
    }

    struct Rotate: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Close the log's current file and continue in a new one.",
            discussion: """
                The closed file is named after the numbers of its lines; the new one starts with the hash of its last line, \
                so that `audit verify` checks them in order. You may move closed files away, the oldest first. Works \
                whether or not the reflector runs.
                """
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let reply = try await PeersCommand.ask(.rotateAudit, try shared.load())
            guard case .auditRotated(let file, let first, let last) = reply else { return }
            if shared.json {
                return try CommandOutput.put(json: Output(closedFile: file, firstLine: first, lastLine: last))
            }
            print("closed \(file) with lines \(first) to \(last)")
        }

        private struct Output: Encodable {
            var closedFile: String
            var firstLine: Int64
            var lastLine: Int64

            enum CodingKeys: String, CodingKey {
                case closedFile = "closed_file"
                case firstLine = "first_line"
                case lastLine = "last_line"
            }
        }
    }

    struct Repair: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Accept a log whose checkpoint is lost or damaged.",
            discussion: """
                Without its checkpoint it is unknown whether lines are missing from the log's end. This believes the last line \
                that is there, writes a line audit_repaired, and signs a new checkpoint. It accepts nothing else: \
                a log with changed or missing lines is refused with exit 1, as is one that a running reflector writes.
                """
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let opening = try await LocalState.repairAudit(try shared.load())
            if shared.json { return try CommandOutput.put(json: Output(opening)) }
            guard let opening, let accepted = opening.accepted else {
                return print("the audit log and its checkpoint are whole; nothing was changed")
            }
            print(
                "accepted without knowing whether lines are missing after line \(opening.sequence - 1): \(accepted)\n"
                    + "line \(opening.sequence) of the log says so, and a new checkpoint is signed"
            )
        }

        private struct Output: Encodable {
            var repaired: Bool
            var accepted: String?
            var line: Int64?

            init(_ opening: AuditOpening?) {
                repaired = opening?.accepted != nil
                accepted = opening?.accepted
                line = opening?.sequence
            }
        }
    }
}
