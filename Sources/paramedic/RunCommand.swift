internal import ArgumentParser
internal import Foundation
internal import Identity
internal import Operations
internal import Reflector

/// Which form a result is printed in.
struct FormOptions: ParsableArguments {
    @Flag(help: "Print CSV.")
    var csv = false

    @Option(help: ArgumentHelp("Also write one self-contained HTML page.", valueName: "file"))
    var html: String?

    func print(_ examinations: [Examination], json: Bool, text: () -> String, page: () -> String) throws {
        if csv {
            Swift.print(CSVReport.text(examinations), terminator: "")
        } else if json {
            Swift.print(
                try examinations.count == 1 ? JSONReport.text(examinations[0]) : JSONReport.text(examinations),
                terminator: ""
            )
        } else {
            Swift.print(text(), terminator: "")
        }
        if let html {
            do {
                try Data(page().utf8).write(to: URL(fileURLWithPath: html), options: .atomic)
            } catch {
                throw ParamedicError.invalid("cannot write \(html): \(error.localizedDescription)")
            }
        }
    }
}

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "The whole examination: latency, throughput, bufferbloat, and a verdict.",
        discussion: """
            Seven tests, one after the other. The reflector's hourly limit and byte quota must allow them; the result is kept
            in the history.
            """
    )

    @Option(help: ArgumentHelp("Length of each test in seconds.", valueName: "seconds"))
    var duration = 5

    @OptionGroup var test: TestOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var form: FormOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws { try TestDuration.validate(duration) }

    func run() async throws {
        let desk = try shared.open()
        let lock = try HeavyTestLock(folder: desk.store.folder)
        var plan = ExaminationPlan()
        plan.latencySec = duration
        plan.throughputSec = duration
        plan.bufferbloatSec = duration
        plan.streams = load.streams ?? desk.configuration.streams
        plan.engine = load.engine ?? desk.configuration.engine
        let ownID = try desk.key().endpointID
        let examination = try await reflector.examine(desk, mode: test.mode) { [plan] examiner, known in
            try await examiner.examine(
                plan,
                reflectorName: known.name,
                ownID: ownID,
                onStep: { Live.show($0.title) },
                onThroughput: { Live.show($0) }
            )
        }
        withExtendedLifetime(lock) {}
        Live.clear()
        try desk.store.save(examination)
        try form.print(
            [examination],
            json: shared.json,
            text: { Page.text.text(examination) },
            page: { HTMLReport.page(examination) }
        )
    }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Earlier examinations: a list and the trend."
    )

    @Option(help: ArgumentHelp("How many of the latest.", valueName: "count"))
    var last = 20

    @Option(name: [.short, .long], help: ArgumentHelp("Only those of this reflector.", valueName: "name"))
    var reflector: String?

    @OptionGroup var form: FormOptions
    @OptionGroup var shared: SharedOptions

    func run() async throws {
        guard (1...10_000).contains(last) else { throw ValidationError("--last must be 1 to 10000") }
        let examinations = try shared.open().store.examinations(of: reflector, last: last)
        if shared.json { return print(try JSONReport.text(examinations), terminator: "") }
        try form.print(
            examinations,
            json: false,
            text: { Page.text.text(history: examinations) },
            page: { HTMLReport.page(history: examinations) }
        )
    }
}

struct ReportCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "report",
        abstract: "Show one examination again: text, --json, --csv, --html."
    )

    @Argument(help: ArgumentHelp("The beginning of its id; the latest when absent.", valueName: "id"))
    var id: String?

    @OptionGroup var form: FormOptions
    @OptionGroup var shared: SharedOptions

    func run() async throws {
        let examination = try shared.open().store.examination(id)
        try form.print(
            [examination],
            json: shared.json,
            text: { Page.text.text(examination) },
            page: { HTMLReport.page(examination) }
        )
    }
}
