internal import NetworkProtocol

/// What members of a cluster send each other.
enum SwimProperties {
    /// As a datagram it is refused, because only a holder of the key gets in. As a message of a member it is refused,
    /// or written as it was read; a member who receives it, among other messages and the passing of time, answers with
    /// messages that can be read, holds itself for alive and keeps to its bounds.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        try checkStranger(bytes)
        let message: SwimMessage
        do throws(SwimMessageError) { message = try SwimMessage(decoding: bytes) } catch {
            return try ErrorText.check(error)
        }
        try require(message.encoded() == bytes, "a message is not written as it was read")
        let sealed = keyring.seal(bytes, sentAt: 1, nonce: [UInt8](repeating: 3, count: SwimDatagram.nonceLength))
        let opened = try? keyring.open(sealed)
        try require(opened?.message == bytes && opened?.sentAt == 1, "a message does not come out of its datagram")
        try checkMember(bytes, from: message.sender)
    }

    private static let keyring: SwimKeyring = {
        guard let key = ClusterKey(0..<32) else { preconditionFailure("32 bytes are a key") }
        return SwimKeyring(clusterName: "fuzz", keys: [key])
    }()

    private static func checkStranger(_ bytes: [UInt8]) throws(PropertyBroken) {
        do throws(SwimDatagramError) { _ = try keyring.open(bytes) } catch { return try ErrorText.check(error) }
        throw PropertyBroken("a forged datagram was opened")
    }

    private static func member(_ number: UInt8) throws(PropertyBroken) -> (id: MemberID, address: MemberAddress) {
        guard let id = MemberID(publicKey: [UInt8](repeating: number, count: MemberID.length)),
            let address = MemberAddress(ip: [10, 0, 0, number], port: 7_000)
        else { throw PropertyBroken("32 bytes are no id, or four no address") }
        return (id, address)
    }

    private static func checkMember(_ bytes: [UInt8], from sender: MemberID) throws(PropertyBroken) {
        let own = try member(1)
        let other = try member(2)
        var configuration = SwimConfiguration()
        configuration.maximumMembers = 8
        var core = SwimCore(
            id: own.id,
            address: own.address,
            incarnation: 1,
            seeds: [other.address],
            configuration: configuration,
            seed: 1,
            now: 0
        )
        let greeting = SwimUpdate(id: other.id, incarnation: 1, claim: .alive(other.address, messagingPort: 1))
        let known = SwimMessage(sender: other.id, body: .gossip, updates: [greeting]).encoded()
        var now: Int64 = 0
        for round in 0..<6 {
            for message in round == 2 ? [known, bytes, bytes] : [bytes] {
                try checkActions((try? core.receive(message, from: other.address, now: now)) ?? [], of: core)
            }
            for _ in 0..<4 where core.deadline != .max {
                try require(round == 0 || core.deadline > now - configuration.period, "a deadline was left behind")
                now = max(now, core.deadline)
                try checkActions(core.handleTimeout(now: now), of: core)
            }
        }
        try checkActions(core.leave(now: now), of: core)
    }

    private static func checkActions(_ actions: [SwimAction], of core: SwimCore) throws(PropertyBroken) {
        try require(
            core.own.status != .dead && core.own.status != .suspect,
            "a member holds itself for \(core.own.status)"
        )
        try require(core.snapshot.count <= 8, "the table has \(core.snapshot.count) members")
        try require(actions.count <= 64, "one event led to \(actions.count) actions")
        for case .send(let bytes, let address) in actions {
            try require(address.isUnicast, "a message goes to \(address)")
            try require((try? SwimMessage(decoding: bytes)) != nil, "a message is sent that no member can read")
        }
    }
}
