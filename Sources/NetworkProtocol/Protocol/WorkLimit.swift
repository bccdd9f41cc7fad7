/// How much may be in work at once: messages, and their bytes. No lock inside.
///
/// It is full from the moment that one of the two is reached, by one more message at most, and open again only when both are an
/// eighth below: those who wait are woken once for many messages that end, not for each.
struct WorkLimit: Sendable {
    private let messages: Int
    private let bytes: Int
    private(set) var messagesInWork = 0
    private(set) var bytesInWork = 0
    private(set) var isFull = false

    /// Limits below 1 count as 1: nothing would ever be done.
    init(messages: Int, bytes: Int) {
        self.messages = max(1, messages)
        self.bytes = max(1, bytes)
    }

    /// A message of so many bytes is in work.
    mutating func begin(bytes count: Int) {
        messagesInWork += 1
        bytesInWork += count
        if messagesInWork >= messages || bytesInWork >= bytes { isFull = true }
    }

    /// It is no longer; true when that makes room where there was none.
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
