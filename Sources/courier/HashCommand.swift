internal import ArgumentParser
internal import FileTransferNode
internal import Operations

struct HashCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "hash",
        abstract: "Print the BLAKE3 digests of files, as b3sum does."
    )

    @Argument(help: ArgumentHelp("Files.", valueName: "file"))
    var files: [String]

    func run() throws {
        for path in files {
            CommandOutput.line("\(try FileDigest.of(path))  \(path)")
        }
    }
}
