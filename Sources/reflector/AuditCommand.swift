internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

struct AuditCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "audit",
        abstract: "Check and export the audit log.",
        subcommands: [Verify.self, Export.self]
    )

    struct Verify: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Find the first line that was changed, removed or reordered.",
            discussion: "Exits 0 when the chain is whole and 2 when it is not."
        )

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            let report = try LocalState.verifyAudit(try shared.load())
            if shared.json { try JSONOutput.print(Output(report)) } else { print(report.sentence) }
            if !report.isIntact { throw ExitCode(2) }
        }

        private struct Output: Encodable {
            var intact: Bool
            var lines: Int64
            var firstBadLine: Int64?
            var detail: String

            init(_ report: AuditReport) {
                intact = report.isIntact
                lines = report.lines
                firstBadLine = report.flaw?.line
                detail = report.sentence
            }

            enum CodingKeys: String, CodingKey {
                case intact, lines, detail
                case firstBadLine = "first_bad_line"
            }
        }
    }

    struct Export: AsyncParsableCommand {
        static let configuration = CommandConfiguration(abstract: "Print the audit lines since a time.")

        @Option(help: ArgumentHelp("RFC 3339 or an age: 24h, 7d. Everything when absent.", valueName: "time"))
        var since: String?

        @OptionGroup var shared: SharedOptions

        func run() async throws {
            try LocalState.exportAudit(try shared.load(), since: since)
        }
    }
}
