/// How much may be in progress at once: messages, and their bytes. No lock inside.
///
/// It is full once one of the two is reached, by at most one more message, and has room again only when both are an
/// eighth below: waiters are woken once for many messages that end, not for each.
struct WorkLimit: Sendable {
    private let messages: Int
    private let bytes: Int
    private(set) var messagesInWork = 0
    private(set) var bytesInWork = 0
    private(set) var isFull = false

    /// Limits below 1 count as 1: otherwise nothing would ever be done.
    init(messages: Int, bytes: Int) {
        self.messages = max(1, messages)
        self.bytes = max(1, bytes)
    }

    /// A message with this many bytes is in progress.
    mutating func begin(bytes count: Int) {
        messagesInWork += 1
        bytesInWork += count
        if messagesInWork >= messages || bytesInWork >= bytes { isFull = true }
    }

    /// It has ended; true if that makes room where there was none.
    mutating func end(bytes count: Int) -> Bool {
        messagesInWork -= 1
        bytesInWork -= count
        guard isFull, messagesInWork <= WorkLimit.low(messages), bytesInWork <= WorkLimit.low(bytes) else {
            return false
        }
        isFull = false
        return true
    }

    private static func low(_ limit: Int) -> Int { limit - max(1, limit / 8) }
}
