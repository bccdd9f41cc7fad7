/// Which of many alike lines go into a log: of each topic the first, and then one an interval. So nobody from outside can fill it.
struct LogLimit<Topic: Hashable> {
    private let interval: Int64
    private var lines: [Topic: (last: Int64, heldBack: Int)] = [:]

    /// - Parameter interval: between two lines of a topic, in nanoseconds; a minute unless told otherwise.
    init(interval: Int64 = 60_000_000_000) { self.interval = interval }

    /// How many lines the one that is written now stands for: itself, and those since the last one. Nil when it is not to be written.
    ///
    /// - Parameters:
    ///   - topic: of few, each is remembered.
    ///   - now: nanoseconds of a clock that never goes backwards.
    mutating func admit(_ topic: Topic, now: Int64) -> Int? {
        guard let (last, heldBack) = lines[topic] else {
            lines[topic] = (now, 0)
            return 1
        }
        guard now - last >= interval else {
            lines[topic] = (last, heldBack + 1)
            return nil
        }
        lines[topic] = (now, 0)
        return heldBack + 1
    }
}
