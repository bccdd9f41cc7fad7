/// When an ACK is due: at once after the second packet that elicits one, after a gap, on FIN and on ACK-NOW, otherwise
/// after 25 ms.
struct AcknowledgmentSchedule {
    /// Nanoseconds within which each packet that elicits an ACK is acknowledged.
    static let maximumDelay: Int64 = 25_000_000
    /// Every second one of the first so many packets is acknowledged, so that the peer's window opens quickly.
    static let promptPackets = 100
    /// The same after a gap: the peer finds the loss when three later packets are acknowledged.
    static let promptPacketsAfterGap = 8
    static let promptInterval = 2

    /// Packets from one ACK to the next after the prompt ones.
    var interval = promptInterval
    private var promptLeft = promptPackets
    /// Packets that elicited an ACK since the last one.
    private(set) var waiting = 0
    private var isUrgent = false
    private(set) var deadline: Instant?

    /// A packet that elicits an ACK.
    ///
    /// - Parameters:
    ///   - isUrgent: FIN, ACK-NOW, or a duplicate.
    ///   - isOutOfOrder: it left a gap, or was late.
    mutating func received(isUrgent: Bool, isOutOfOrder: Bool, now: Instant) {
        waiting += 1
        if isOutOfOrder { promptLeft = max(promptLeft, Self.promptPacketsAfterGap) }
        let limit = promptLeft > 0 ? Self.promptInterval : interval
        if promptLeft > 0 { promptLeft -= 1 }
        if isUrgent || isOutOfOrder || waiting >= limit { self.isUrgent = true }
        if deadline == nil { deadline = now + Self.maximumDelay }
    }

    func isDue(now: Instant) -> Bool {
        if isUrgent { return true }
        guard let deadline else { return false }
        return now >= deadline
    }

    /// An ACK of all that was received goes out.
    mutating func acknowledged() {
        waiting = 0
        isUrgent = false
        deadline = nil
    }
}
