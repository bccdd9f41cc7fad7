internal import ArgumentParser
internal import Foundation
internal import Operations
internal import Reflector

/// In which forms examinations are put out: text, JSON or CSV on standard output, and a page of HTML beside any of them.
struct FormOptions: ParsableArguments {
    @Flag(help: "Print CSV.")
    var csv = false

    @Option(help: ArgumentHelp("Also write one self-contained HTML page.", valueName: "file"))
    var html: String?

    /// Before anything is measured: what cannot be put out should not cost a test.
    func validate(json: Bool) throws {
        if csv, json { throw ValidationError("--csv and --json exclude each other; --html goes with either") }
        guard let html else { return }
        let folder = URL(fileURLWithPath: html).deletingLastPathComponent()
        guard !html.isEmpty, (try? folder.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory == true else {
            throw ValidationError("--html \"\(html)\": there is no folder \(folder.path)")
        }
    }

    /// - Parameter json: what standard output gets instead of the text; nil without `--json`.
    func put(_ examinations: [Examination], json: String?, text: () -> String, page: () -> String) throws {
        let result = csv ? CSVReport.text(examinations) : json ?? text()
        Output.put(result)
        guard let html else { return }
        do {
            try Data(page().utf8).write(to: URL(fileURLWithPath: html), options: .atomic)
        } catch {
            throw ParamedicError.invalid("cannot write \(html): \(error.localizedDescription)")
        }
    }

    func put(_ examination: Examination, json: Bool) throws {
        try put(
            [examination],
            json: json ? try JSONReport.text(examination) : nil,
            text: { Page.text.text(examination) },
            page: { HTMLReport.page(examination) }
        )
    }
}
