internal import ArgumentParser
internal import Identity
internal import LinkMeasurement
internal import Operations
internal import Paramedic
internal import Storage

struct RunCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "run",
        abstract: "The whole examination: latency, throughput, bufferbloat, and a verdict.",
        discussion: """
            Seven tests, one after the other. A reflector with the default limit of 10 an hour then has three left for the rest \
            of the hour, too few for a second run. A part that the reflector denies, because the hour's tests or the \
            day's bytes are used up, is a note in the result, which is kept in the history; so are the parts that remain \
            when the connection is lost. If every part is denied, nothing is kept and the exit code is 4.
            """
    )

    @Option(help: ArgumentHelp("Length of each test in seconds.", valueName: "seconds"))
    var duration = 5

    @OptionGroup var test: TestOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var form: OutputOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        try TestDuration.validate(duration)
        try form.validate(json: shared.json)
    }

    func run() async throws {
        let context = try shared.open()
        let lock = try HeavyTestLock(folder: context.store.folder)
        var plan = ExaminationPlan()
        plan.latencySec = duration
        plan.throughputSec = duration
        plan.bufferbloatSec = duration
        plan.streams = load.streams ?? context.configuration.streams
        plan.engine = load.engine ?? context.configuration.engine
        let ownID = try context.key().endpointID
        let examination = try await reflector.examine(context, mode: test.mode) { [plan] examiner, known in
            try await examiner.examine(
                plan,
                reflectorName: known.name,
                ownID: ownID,
                onStep: { LiveOutput.begin("[\($0.number)/\(ExaminationPlan.tests)] \($0.title)") },
                onThroughput: { LiveOutput.show($0) }
            )
        }
        withExtendedLifetime(lock) {}
        LiveOutput.clear()
        // The measurement is shown first: a full disk must not lose it.
        let kept = Result { try context.store.save(examination) }
        if form.csv || shared.json {
            // The text page shows these itself.
            for note in examination.notes { LiveOutput.say(note.printable(limit: 400)) }
        }
        try form.put(examination, json: shared.json)
        if case .failure(let error) = kept {
            throw ParamedicError.invalid(
                "the result is shown, but could not be kept in the history in \(context.store.folder): "
                    + (DatabaseFailure.describe(error) ?? "\(error)")
            )
        }
    }
}

struct HistoryCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "history",
        abstract: "Earlier examinations: a list and the trend."
    )

    @Option(help: ArgumentHelp("How many, the latest first.", valueName: "count"))
    var last = 20

    @Option(name: [.short, .long], help: ArgumentHelp("Only those of this reflector.", valueName: "name"))
    var reflector: String?

    @OptionGroup var form: OutputOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        guard (1...10_000).contains(last) else { throw ValidationError("--last must be 1 to 10000") }
        try form.validate(json: shared.json)
    }

    func run() async throws {
        let examinations = try shared.open().store.examinations(of: reflector, last: last)
        try form.put(
            examinations,
            json: shared.json ? try JSONText.pretty(examinations) : nil,
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

    @Argument(help: ArgumentHelp("The beginning of its ID; the latest if absent.", valueName: "id"))
    var id: String?

    @Option(name: [.short, .long], help: ArgumentHelp("Only among those of this reflector.", valueName: "name"))
    var reflector: String?

    @OptionGroup var form: OutputOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws { try form.validate(json: shared.json) }

    func run() async throws {
        try form.put(try shared.open().store.examination(id, of: reflector), json: shared.json)
    }
}
