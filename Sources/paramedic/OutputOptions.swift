internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Operations
internal import Paramedic
internal import SystemErrors

/// The output formats of examinations: text, JSON or CSV on standard output, and optionally an HTML page.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print CSV.")
    var csv = false

    @Option(help: ArgumentHelp("Also write one self-contained HTML page.", valueName: "file"))
    var html: String?

    /// Before anything is measured: an output error should not cost a test.
    func validate(json: Bool) throws {
        if csv, json { throw ValidationError("--csv and --json exclude each other; --html goes with either") }
        if let html { _ = try Self.place(html) }
    }

    /// The file to write: the target of a symbolic link, not the link. Only a regular file may be replaced; a device or
    /// a pipe would be destroyed.
    private static func place(_ html: String) throws -> URL {
        guard !html.isEmpty else { throw ValidationError("--html: the path is empty; give the path of a file") }
        let file = URL(fileURLWithPath: html).resolvingSymlinksInPath()
        let folder = file.deletingLastPathComponent()
        var isFolder = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder else {
            throw ValidationError(
                "--html \"\(html)\": the folder \(folder.path) does not exist; create it or correct the path"
            )
        }
        guard FileManager.default.isWritableFile(atPath: folder.path) else {
            throw ValidationError(
                "--html \"\(html)\": the folder \(folder.path) is not writable; correct its mode or choose another"
            )
        }
        let type = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.type] as? FileAttributeType
        guard type == nil || type == .typeRegular else {
            throw ValidationError("--html \"\(html)\" is a folder, a device or a pipe; give the path of a file")
        }
        return file
    }

    /// - Parameter json: what goes to standard output instead of the text; nil without `--json`.
    func put(_ examinations: [Examination], json: String?, text: () -> String, page: () -> String) throws {
        let result = csv ? CSVReport.text(examinations) : json ?? text()
        CommandOutput.put(result)
        guard let html else { return }
        let file = try Self.place(html)
        do {
            try Data(page().utf8).write(to: file, options: .atomic)
        } catch {
            let cause = (error as? CocoaError)?.underlying as? POSIXError
            let reason = cause.map { SystemError.reason(of: $0.code.rawValue) }
            throw ParamedicError.invalid(
                "cannot write \(html)\(reason.map { ": \($0)" } ?? ""); free space there or choose another file"
            )
        }
    }

    func put(_ examination: Examination, json: Bool) throws {
        try put(
            [examination],
            json: json ? try JSONText.pretty(examination) : nil,
            text: { Page.text.text(examination) },
            page: { HTMLReport.page(examination) }
        )
    }
}
