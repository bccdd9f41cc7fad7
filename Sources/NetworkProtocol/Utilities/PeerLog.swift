internal import Logging
internal import NIOCore
internal import Synchronization

/// A log of what peers cause, who could otherwise fill the disk: of each topic some lines at once, and then one an interval, which says for
/// how many it stands.
final class PeerLog<Topic: Hashable & Sendable>: Sendable {
    private let logger: Logger
    private let limit: Mutex<LogLimit<Topic>>

    init(_ logger: Logger, _ limit: LogLimit<Topic>) {
        self.logger = logger
        self.limit = Mutex(limit)
    }

    func write(
        _ level: Logger.Level,
        _ message: Logger.Message,
        topic: Topic,
        _ metadata: @autoclosure () -> Logger.Metadata
    ) {
        guard logger.logLevel <= level else { return }
        let now = Int64(clamping: NIODeadline.now().uptimeNanoseconds)
        guard let count = limit.withLock({ $0.admit(topic, now: now) }) else { return }
        var metadata = metadata()
        if count > 1 { metadata["count"] = "\(count)" }
        logger.log(level: level, message, metadata: metadata)
    }

    /// Says of how many lines nothing stands in the log.
    func finish(_ level: Logger.Level, _ message: Logger.Message) {
        let count = limit.withLock { $0.takeHeldBack() }
        if count > 0 { logger.log(level: level, message, metadata: ["count": "\(count)"]) }
    }
}
