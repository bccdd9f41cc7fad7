internal import NetworkProtocol
internal import Testing

@Suite("Changes of a peer's key")
struct KeyChangesTests {
    @Test
    func `changes of a peer's key are sixteen at once, and one more for each minute, however long there were none`() {
        let start = ContinuousClock.now
        var changes = KeyChanges()
        for _ in 0..<KeyChanges.most {
            let isFine = changes.admit(now: start)
            #expect(isFine)
        }
        for second in [0, 1, 59] {
            let isFine = changes.admit(now: start + .seconds(second))
            #expect(!isFine)
        }
        for minute in 1...3 {
            for isFirst in [true, false] {
                let isFine = changes.admit(now: start + .seconds(60 * minute))
                #expect(isFine == isFirst)
            }
        }
        // A year adds no more than may arrive at once.
        let later = start + .seconds(365 * 86_400)
        let admitted = (0..<100).count { _ in changes.admit(now: later) }
        #expect(admitted == KeyChanges.most)
    }

    @Test func `changes of a peer's key as often as a sender at the highest rate makes them are never too many`() {
        let start = ContinuousClock.now
        var changes = KeyChanges()
        for change in 0..<1_000 {
            let isFine = changes.admit(now: start + .seconds(1_800 * change))
            #expect(isFine)
        }
    }

    @Test func `changes of a peer's key are admitted by a clock that stands still or goes back`() {
        let start = ContinuousClock.now
        var changes = KeyChanges()
        var admitted = 0
        for second in 0..<100 where changes.admit(now: start - .seconds(second)) { admitted += 1 }
        #expect(admitted == KeyChanges.most)
    }

    @Test
    func
        `changes of a peer's key are further ones from the second to the last that may come at once, and none after a rest`()
    {
        let start = ContinuousClock.now
        var changes = KeyChanges()
        for change in 0..<KeyChanges.most {
            let isFurther = changes.isFurther(now: start)
            #expect(isFurther == (change > 0))
            _ = changes.admit(now: start)
        }
        // One too many is cut at once.
        let isTooMany = changes.isFurther(now: start)
        #expect(!isTooMany)
        let rested = changes.isFurther(now: start + KeyChanges.interval * KeyChanges.most)
        #expect(!rested)
    }
}
