/// The losses from the first one until a packet that was sent after it is lost: all of them may be late packets only.
/// Then what they changed is undone, as section 5.5.11 of the draft has it.
struct LossEpisode: Sendable {
    /// What losses change.
    struct Saved: Sendable {
        var shortTermBandwidth: Double
        var shortTermInFlight: Double
        var longTermInFlight: Double
    }

    /// Packets sent up to then belong to the episode or an earlier one. Nil before the first episode.
    private(set) var start: Instant?
    /// The start of the episode before.
    private var earlier: Instant?
    private var isNew = false
    private var losses = 0
    private var late = 0
    private(set) var saved: Saved?
    /// The state that the losses ended.
    var endedState: Bbr.State?
    /// Whether no packet that was sent after the start has been acknowledged yet.
    private(set) var isActive = false

    /// All of the episode's losses were late.
    var isSpurious: Bool { saved != nil && losses > 0 && late == losses }

    /// - Returns: whether an episode begins with this loss.
    mutating func lost(sentAt: Instant, _ state: @autoclosure () -> Saved) -> Bool {
        if isNew || start.map({ sentAt <= $0 }) ?? false {
            losses += 1
            return false
        }
        isNew = true
        losses = 1
        late = 0
        saved = state()
        endedState = nil
        return true
    }

    /// The losses of an ACK or a timer were passed.
    mutating func begin(now: Instant) {
        guard isNew else { return }
        isNew = false
        isActive = true
        earlier = start
        start = now
    }

    mutating func wasLate(sentAt: Instant) {
        guard saved != nil, let start, sentAt <= start else { return }
        if let earlier, sentAt <= earlier { return }
        late += 1
    }

    /// - Returns: whether the episode ends with the acknowledgment of this packet.
    mutating func ends(sentAt: Instant) -> Bool {
        guard isActive, let start, sentAt > start else { return false }
        isActive = false
        return true
    }

    mutating func wasUndone() {
        saved = nil
        endedState = nil
        isActive = false
    }
}
