internal import Testing

@testable import LinkMeasurement
@testable import Reflector

@Suite("Use of the processor")
struct ProcessorUseTests {
    @Test func `processor use is the seconds of processor over the time between the same two instants`() {
        let use = ProcessorUse(seconds: 1.65, busiestThread: 0.9, over: 49, cores: 2)
        #expect((3.3...3.4).contains(use.percent ?? 0))
        #expect((1.8...1.9).contains(use.busiestThreadPercent ?? 0))
    }

    @Test func `more than the cores can give voids the figure`() {
        #expect(ProcessorUse(seconds: 4.35, busiestThread: nil, over: 1, cores: 2).percent == nil)
        #expect(ProcessorUse(seconds: 1, busiestThread: 1.2, over: 1, cores: 2).busiestThreadPercent == nil)
        #expect(ProcessorUse(seconds: 1, busiestThread: nil, over: 0, cores: 2).percent == nil)
        // Two clocks that are read one after the other.
        #expect(ProcessorUse(seconds: 2.01, busiestThread: nil, over: 1, cores: 2).percent == 200)
    }

    @Test func `a thread that works is found, also when it is the only one`() {
        let begin = ProcessorMark.now()
        let end = ContinuousClock.now + .milliseconds(50)
        var turns = 0
        while ContinuousClock.now < end || turns < 200_000 { turns += 1 }
        let use = ProcessorMark.now().use(since: begin)
        #expect(turns > 0)
        #expect(use.busiestThreadPercent ?? 0 > 0)
    }
}
