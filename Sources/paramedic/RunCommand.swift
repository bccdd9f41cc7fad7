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
            Seven tests, one after the other: a reflector that allows 10 an hour, as most do, has three left for the rest of \
            the hour, which is not enough for a second run. A part that the reflector denies, because the hour's tests or the \
            day's bytes are used up, is a note in the result, which is kept in the history; so are the parts that are left \
            when the connection is lost. When every part is denied, nothing is kept and the exit code is 4.
            """
    )

    @Option(help: ArgumentHelp("Length of each test in seconds.", valueName: "seconds"))
    var duration = 5

    @OptionGroup var test: TestOptions
    @OptionGroup var load: LoadOptions
    @OptionGroup var form: FormOptions
    @OptionGroup var reflector: ReflectorOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws {
        try TestDuration.validate(duration)
        try form.validate(json: shared.json)
    }

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
                onStep: { Live.begin("[\($0.number)/\(ExaminationPlan.tests)] \($0.title)") },
                onThroughput: { Live.show($0) }
            )
        }
        withExtendedLifetime(lock) {}
        Live.clear()
        // What was measured is shown first: a disk that is full must not take it.
        let kept = Result { try desk.store.save(examination) }
        if form.csv || shared.json {
            // The page of text says these itself.
            for note in examination.notes { Live.say(note.printable(limit: 400)) }
        }
        try form.put(examination, json: shared.json)
        if case .failure(let error) = kept {
            throw ParamedicError.invalid(
                "the result is shown, and could not be kept in the history in \(desk.store.folder): "
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

    @Option(help: ArgumentHelp("How many of the latest.", valueName: "count"))
    var last = 20

    @Option(name: [.short, .long], help: ArgumentHelp("Only those of this reflector.", valueName: "name"))
    var reflector: String?

    @OptionGroup var form: FormOptions
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

    @Argument(help: ArgumentHelp("The beginning of its id; the latest when absent.", valueName: "id"))
    var id: String?

    @Option(name: [.short, .long], help: ArgumentHelp("Only among those of this reflector.", valueName: "name"))
    var reflector: String?

    @OptionGroup var form: FormOptions
    @OptionGroup var shared: SharedOptions

    func validate() throws { try form.validate(json: shared.json) }

    func run() async throws {
        try form.put(try shared.open().store.examination(id, of: reflector), json: shared.json)
    }
}
