internal import Identity
internal import NetworkProtocol

/// Parties in their handshakes, what they sent, and which of them may therefore open to which.
struct HandshakeNetwork {
    private static let now: UInt64 = 1_763_724_000_000
    /// Pairs of an initiator and a responder.
    private static let mostPairs = 6
    /// How far responders' clocks are from the initiators', in milliseconds.
    private static let skews: [Int64] = [0, 5_000, -5_000, 5_001, -5_001, .max, -1_763_724_000_000, 1]

    private struct Initiator {
        let party: HandshakeParty
        let opening: [UInt8]
        /// Until a message came.
        var state: HandshakeInitiator?
        var confirm: [UInt8]?
        /// The responder whose response it took.
        var partner: Int?
        var result: HandshakeResult?
    }

    private struct Responder {
        let party: HandshakeParty
        let skew: Int64
        var isFresh = true
        /// The opening it answered, and its answer.
        var opening: [UInt8]?
        var response: [UInt8]?
        var state: HandshakeResponder?
    }

    private let trust: UInt8
    private var initiators: [Initiator] = []
    private var responders: [Responder] = []
    /// Payloads of all messages that were sent.
    private var sent: [[UInt8]] = []
    private var generator = SplitMix64(seed: 1)
    private var cache = ReplayCache(capacity: 64)
    /// Key and nonce of the openings that honest responders have answered.
    private var answered: Set<[UInt8]> = []
    private var secrets: Set<[UInt8]> = []

    init(trust: UInt8) {
        self.trust = trust
        add(pair: 0, clock: 0)
    }

    /// - Parameters:
    ///   - pair: bit 0 makes the initiator hostile, bit 1 the responder; the others say how.
    mutating func add(pair: UInt8, clock: UInt8) {
        guard initiators.count < Self.mostPairs else { return }
        let honest = HandshakeParty.honest(trust)
        let first = pair & 1 == 0 ? honest.initiator : .hostile(pair >> 2)
        let second = pair & 2 == 0 ? honest.responder : .hostile(pair >> 4)
        let state = HandshakeInitiator(trust: first.trust, timestamp: Self.now, using: &generator)
        let opening = Message.handshakeInit(state.opening).payload()
        sent.append(opening)
        initiators.append(Initiator(party: first, opening: opening, state: state))
        responders.append(Responder(party: second, skew: Self.skews[Int(clock) % Self.skews.count]))
    }

    /// What arrives of something that was sent; nil when it is no message.
    private func arriving(_ script: inout AttackScript) -> Message? {
        let original = sent[script.index(below: sent.count)]
        return try? Message(payload: script.tampered(original, others: sent))
    }

    // MARK: Openings

    mutating func deliver(toResponder target: Int, _ script: inout AttackScript) throws(PropertyBroken) {
        let index = target % responders.count
        let message = arriving(&script)
        guard responders[index].isFresh else { return }
        responders[index].isFresh = false
        guard case .handshakeInit(let opening) = message else { return }
        let payload = Message.handshakeInit(opening).payload()
        let (party, skew) = (responders[index].party, responders[index].skew)
        let now = skew >= 0 ? Self.now + UInt64(skew) : Self.now - skew.magnitude
        let name = opening.publicKey + opening.nonce
        let isLate = max(opening.timestamp, now) - min(opening.timestamp, now) > 5_000
        let isKnown = !party.isHostile && answered.contains(name)
        let answer = Result { () throws(HandshakeError) in
            try HandshakeResponder(
                trust: party.trust,
                opening: opening,
                now: now,
                seen: { party.isHostile ? false : cache.hasSeen($0) },
                using: &generator
            )
        }
        switch answer {
        case .success(let responder):
            try require(!isLate && !isKnown, "an opening that is \(isLate ? "late" : "known") was answered")
            try require(!AttackScript.lowOrderPoints.contains(opening.publicKey), "a weak key was answered")
            if !party.isHostile { answered.insert(name) }
            let response = Message.handshakeResponse(responder.response).payload()
            responders[index].opening = payload
            responders[index].response = response
            responders[index].state = responder
            sent.append(response)
        case .failure(let error):
            try ErrorText.check(error)
            switch error {
            case .clockSkew: try require(isLate, "an opening of now was refused for its time")
            case .replayed: try require(isKnown && !isLate, "an opening was refused that came once")
            case .weakKey:
                // It is remembered all the same: it came.
                if !party.isHostile { answered.insert(name) }
                try require(!initiators.contains { $0.opening == payload }, "a good key was called weak")
            default: throw PropertyBroken("an opening was refused with \(error)")
            }
        }
    }

    // MARK: Responses

    mutating func deliver(
        toInitiator target: Int,
        _ script: inout AttackScript
    ) throws(PropertyBroken) -> (initiator: Int, result: HandshakeResult)? {
        let index = target % initiators.count
        let message = arriving(&script)
        guard let state = initiators[index].state else { return nil }
        initiators[index].state = nil
        guard case .handshakeResponse(let response) = message else { return nil }
        let payload = Message.handshakeResponse(response).payload()
        let own = initiators[index]
        // The one who got this opening and sent this answer, both unchanged.
        let partner = responders.firstIndex { $0.opening == own.opening && $0.response == payload }
        let shouldOpen = partner.map { own.party.admits(responders[$0].party) } ?? false
        let (confirm, result): (HandshakeConfirm, HandshakeResult)
        switch Result(catching: { () throws(HandshakeError) in try state.receive(response) }) {
        case .success(let taken): (confirm, result) = taken
        case .failure(let error):
            try ErrorText.check(error)
            try require(!shouldOpen, "an initiator refused what it must take: \(error)")
            return nil
        }
        guard shouldOpen, let partner else { throw PropertyBroken("an initiator opened to what it must refuse") }
        let other = responders[partner].party
        try require(!own.party.isAuthenticating || !other.isHostile, "an initiator opened to the attacker")
        try require(result.peer == other.proves, "an initiator takes its peer for another")
        for secret in [result.sending, result.receiving] {
            try require(secrets.insert(Array(secret)).inserted, "two sessions have a secret in common")
        }
        let sealed = Message.handshakeConfirm(confirm).payload()
        initiators[index].confirm = sealed
        initiators[index].partner = partner
        initiators[index].result = result
        sent.append(sealed)
        return (index, result)
    }

    // MARK: Confirmations

    mutating func confirm(
        responder target: Int,
        _ script: inout AttackScript
    ) throws(PropertyBroken) -> (initiator: Int, result: HandshakeResult)? {
        let index = target % responders.count
        let message = arriving(&script)
        guard let state = responders[index].state else { return nil }
        responders[index].state = nil
        guard case .handshakeConfirm(let confirm) = message else { return nil }
        let payload = Message.handshakeConfirm(confirm).payload()
        let own = responders[index].party
        let partner = initiators.firstIndex { $0.partner == index && $0.confirm == payload }
        let (result, refusal): (HandshakeResult, HandshakeError?)
        switch Result(catching: { () throws(HandshakeError) in try state.receive(confirm) }) {
        case .success(let taken): (result, refusal) = taken
        case .failure(let error):
            try ErrorText.check(error)
            try require(partner == nil, "a responder refused its own peer's confirmation: \(error)")
            return nil
        }
        guard let partner, let theirs = initiators[partner].result else {
            throw PropertyBroken("a responder took a confirmation that was not for it")
        }
        let other = initiators[partner].party
        try require((refusal == nil) == own.admits(other), "a responder judged wrongly: \(refusal, default: "open")")
        try require(
            refusal != nil || !own.isAuthenticating || !other.isHostile,
            "a responder opened to the attacker"
        )
        try require(result.peer == other.proves, "a responder takes its peer for another")
        try require(
            result.sending == theirs.receiving && result.receiving == theirs.sending,
            "the two sides have different secrets"
        )
        return refusal == nil ? (partner, result) : nil
    }
}
