internal import ArgumentParser
internal import FoundationEssentials
internal import Glibc
internal import Operations
internal import Paramedic
internal import SystemErrors

/// In which forms examinations are put out: text, JSON or CSV on standard output, and a page of HTML beside any of them.
struct FormOptions: ParsableArguments {
    @Flag(help: "Print CSV.")
    var csv = false

    @Option(help: ArgumentHelp("Also write one self-contained HTML page.", valueName: "file"))
    var html: String?

    /// Before anything is measured: what cannot be put out should not cost a test.
    func validate(json: Bool) throws {
        if csv, json { throw ValidationError("--csv and --json exclude each other; --html goes with either") }
        if let html { _ = try Self.place(html) }
    }

    /// The file that is written: what a symbolic link points to, not the link. Only a regular file may be replaced; a device
    /// or a pipe in its place would be gone.
    private static func place(_ html: String) throws -> URL {
        guard !html.isEmpty else { throw ValidationError("--html needs the path of a file") }
        let file = URL(fileURLWithPath: html).resolvingSymlinksInPath()
        let folder = file.deletingLastPathComponent()
        var isFolder = false
        guard FileManager.default.fileExists(atPath: folder.path, isDirectory: &isFolder), isFolder else {
            throw ValidationError("--html \"\(html)\": there is no folder \(folder.path)")
        }
        guard FileManager.default.isWritableFile(atPath: folder.path) else {
            throw ValidationError("--html \"\(html)\": the folder \(folder.path) cannot be written to")
        }
        let type = (try? FileManager.default.attributesOfItem(atPath: file.path))?[.type] as? FileAttributeType
        guard type == nil || type == .typeRegular else {
            throw ValidationError("--html \"\(html)\" is a folder, a device or a pipe; give the path of a file")
        }
        return file
    }

    /// - Parameter json: what standard output gets instead of the text; nil without `--json`.
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
                "cannot write \(html)\(reason.map { ": \($0)" } ?? ""); free space there or give another file"
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
