internal import Identity
internal import Operations
internal import Synchronization
internal import Testing

@testable import LinkMeasurement
@testable import Paramedic
@testable import Reflector

@Suite("An examination of which a part fails", .timeLimit(.minutes(3)))
struct PartialExaminationTests {
    private func withExaminer(
        tests: Int = 1_000,
        _ body: (TestReflector, Examiner, IdentityKey) async throws -> Void
    ) async throws {
        let key = IdentityKey()
        try await TestReflector.with(peers: [key.endpointID]) {
            $0.quotas.maxTestsPerHourPerPeer = tests
        } _: { reflector in
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            do {
                try await body(reflector, examiner, key)
                await examiner.close()
            } catch {
                await examiner.close()
                throw error
            }
        }
    }

    private var plan: ExaminationPlan {
        var plan = ExaminationPlan()
        (plan.latencySec, plan.throughputSec, plan.bufferbloatSec) = (1, 1, 1)
        plan.streams = 1
        return plan
    }

    @Test func `phases of bufferbloat that were measured are kept when the next is denied, and there is no grade`()
        async throws
    {
        // Latency, download, upload, and two phases of bufferbloat.
        try await withExaminer(tests: 5) { _, examiner, key in
            let examination = try await examiner.examine(
                plan,
                reflectorName: "r",
                ownID: key.endpointID,
                onStep: { _ in }
            )
            #expect(examination.notMeasured.isEmpty)
            #expect(examination.latency != nil && examination.download != nil && examination.upload != nil)
            let bufferbloat = try #require(examination.bufferbloat)
            #expect(bufferbloat.phases.map(\.phase) == [.idle, .download])
            #expect(bufferbloat.missingPhases == [.upload, .both])
            #expect(bufferbloat.grade == nil)
            let reason =
                "latency while uploading and while loading both directions was not measured: the reflector denied the test"
            #expect(bufferbloat.inconclusive?.hasPrefix(reason) == true)
            #expect(examination.notes.count == 1 && examination.notes[0].hasPrefix(reason))
            #expect(examination.verdict.limit == .inconclusive)
            let missing =
                "Not everything was measured; missing: latency while uploading, latency while loading both directions."
            #expect(examination.verdict.reasons.contains(missing))
            // Said once.
            #expect(!examination.verdict.reasons.contains { $0.contains("has no grade") })
            let kept = try JSONReport.examination(Array(try JSONText.line(examination).utf8))
            #expect(kept.bufferbloat == bufferbloat && kept.verdict == examination.verdict)
        }
    }

    @Test func `bufferbloat alone gives what was measured and why it ended; denied at once it throws`() async throws {
        try await withExaminer(tests: 1) { _, examiner, _ in
            let (result, failure) = try await examiner.bufferbloat(seconds: 1, streams: 1, engine: nil)
            #expect(result.phases.map(\.phase) == [.idle])
            guard case .denied? = failure as? LinkClientError else {
                Issue.record("another failure: \(String(describing: failure))")
                return
            }
            await #expect(throws: LinkClientError.self) {
                try await examiner.bufferbloat(seconds: 1, streams: 1, engine: nil)
            }
        }
    }

    @Test
    func `when the reflector goes away the examination is what was measured until then, and says what is missing`()
        async throws
    {
        try await withExaminer { reflector, examiner, key in
            let steps = Mutex<[ExaminationStep]>([])
            var plan = self.plan
            // The reflector is gone before the upload is done.
            plan.throughputSec = 5
            let examination = try await examiner.examine(plan, reflectorName: "r", ownID: key.endpointID) { step in
                steps.withLock { $0.append(step) }
                if step == .upload { Task { await reflector.stop() } }
            }
            #expect(examination.latency != nil && examination.download != nil)
            #expect(examination.bufferbloat == nil)
            #expect(examination.notMeasured.map(\.part) == ["upload", "bufferbloat"])
            #expect(examination.verdict.limit == .inconclusive)
            #expect(examination.verdict.sentence.hasSuffix("no link was measured."))
            let last = try #require(examination.notes.last)
            #expect(last.hasPrefix("bufferbloat was not measured: "), "\(examination.notes)")
            #expect(examination.reflector.pathBefore != nil && examination.reflector.pathAfter == nil)
            let kept = try JSONReport.examination(Array(try JSONText.line(examination).utf8))
            #expect(kept.notMeasured == examination.notMeasured && kept.notes == examination.notes)
        }
    }

    @Test func `once the reflector is gone no further part is tried, and each says the first reason`() async throws {
        try await ScriptedReflector.with { message in
            switch message {
            case .hello: .serverHello(ScriptedReflector.hello)
            case .getPathMeta: .pathMeta(Specimen.path)
            default: nil
            }
        } hangsUp: { message in
            if case .sessionRequest = message { true } else { false }
        } _: { reflector in
            let key = IdentityKey()
            let examiner = try await Examiner.connect(to: reflector.address, key: key) { _ in }
            let error = await failure {
                try await examiner.examine(plan, reflectorName: "r", ownID: key.endpointID, onStep: { _ in })
            }
            let nothing = try #require(error as? NothingMeasured)
            #expect(nothing.parts.map(\.name) == ["latency", "download", "upload", "bufferbloat"])
            #expect(nothing.description.hasPrefix("nothing was measured: the connection to "))
            #expect(!nothing.isDenied)
            let requests = reflector.asked.count { if case .sessionRequest = $0 { true } else { false } }
            #expect(requests == 1)
        }
    }

    @Test func `a test of one second that ran its length is not called too short`() {
        func verdict(lasted: Double, asked: Int?) -> Verdict.Limit {
            var examination = Specimen.calm
            examination.download?.directions[0].durationSec = lasted
            examination.download?.askedSec = asked
            return Verdict(on: examination).limit
        }
        #expect(verdict(lasted: 0.99, asked: 1) == .link)
        #expect(verdict(lasted: 0.85, asked: 1) == .inconclusive)
        #expect(verdict(lasted: 0.99, asked: 10) == .inconclusive)
        #expect(verdict(lasted: 0.99, asked: nil) == .inconclusive)
        #expect(verdict(lasted: 1, asked: 10) == .link)
    }

    @Test func `what was stored before anything could be marked as not measured is read as whole`() throws {
        let document = try JSONText.line(Specimen.whole)
        let older = document.replacing("\"not_measured\":[],", with: "")
        #expect(older != document)
        #expect(try JSONReport.examination(Array(older.utf8)) == Specimen.whole)
    }

    @Test func `what was asked for is kept with the result, in JSON and back`() throws {
        var result = Specimen.throughput(.down, rate: 1e6)
        result.askedSec = 7
        let merged = ThroughputResult.merging(client: result, server: Specimen.throughput(.down, rate: 1e6))
        #expect(merged.askedSec == 7)
        #expect(try JSONText.line(merged).contains("\"asked_sec\":7"))
    }
}
