internal import Logging
internal import NIOCore
internal import Synchronization

/// A log for events that peers cause, which could otherwise fill the disk: each topic gets some lines at once, and then
/// one per interval, which says how many it represents.
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

    /// Reports how many lines were suppressed.
    func finish(_ level: Logger.Level, _ message: Logger.Message) {
        let count = limit.withLock { $0.takeSuppressed() }
        if count > 0 { logger.log(level: level, message, metadata: ["count": "\(count)"]) }
    }
}
