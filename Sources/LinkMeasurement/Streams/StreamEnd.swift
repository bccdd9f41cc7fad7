/// When a stream ended. Times count from before a stream was requested.
package struct StreamEnd: Sendable {
    /// At the end of its time either end may close first.
    package static let toleranceSec = 0.3

    package let direction: StreamDirection
    /// From 1, within its direction.
    package let number: Int
    package let count: Int
    package let afterSec: Double

    package init(direction: StreamDirection, number: Int, count: Int, afterSec: Double) {
        self.direction = direction
        self.number = number
        self.count = count
        self.afterSec = afterSec
    }
}
