internal import PacketIO
internal import Synchronization

/// What each stream of a direct test may still move, over all the connections that it had.
final class StreamShares: Sendable {
    private let used = Mutex<[StreamPreface.Direction: [UInt8: UInt64]]>([:])
    private let share: UInt64

    /// - Parameter share: bytes of each stream.
    init(each share: UInt64) { self.share = share }

    func left(_ preface: StreamPreface) -> UInt64 {
        used.withLock { share - min(share, $0[preface.direction]?[preface.index] ?? 0) }
    }

    /// A connection of the stream has ended; true when the stream may have another one, because it ended early.
    /// - Parameter totals: nil when it could not start.
    func ended(_ preface: StreamPreface, _ totals: ByteTotals?) -> Bool {
        guard let totals else { return true }
        used.withLock { $0[preface.direction, default: [:]][preface.index, default: 0] += totals.bytes }
        return switch totals.end {
        case .endOfStream, .failed: true
        case .deadline, .byteBudget, .stopped: false
        }
    }
}
