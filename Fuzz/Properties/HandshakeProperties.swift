internal import NetworkProtocol

/// The whole handshake and the records behind it, on a network that belongs to an attacker.
enum HandshakeProperties {
    /// Steps of one script.
    private static let longest = 64

    /// The first byte chooses the honest sides' trust; then each step makes a pair of parties, delivers a message,
    /// seals a record or delivers one. What is delivered is anything that was ever sent, changed or not, or made up.
    ///
    /// An opening is answered once and about its time only. A party opens if and only if its own messages arrived
    /// unchanged at one that it admits, and that one's at it; both then have the same keys, and no one else has. A
    /// record opens if and only if it is the next of its direction, unchanged.
    static func check(_ bytes: [UInt8]) throws(PropertyBroken) {
        var script = AttackScript(bytes)
        var network = HandshakeNetwork(trust: script.byte())
        var records = RecordNetwork()
        for _ in 0..<longest where !script.isEmpty {
            let step = script.byte()
            let target = Int(step >> 3)
            switch step & 7 {
            case 0: network.add(pair: script.byte(), clock: script.byte())
            case 1, 2: try network.deliver(toResponder: target, &script)
            case 3, 4:
                if let opened = try network.deliver(toInitiator: target, &script) {
                    records.open(opened.result, session: opened.initiator, isInitiator: true)
                }
            case 5:
                if let opened = try network.confirm(responder: target, &script) {
                    records.open(opened.result, session: opened.initiator, isInitiator: false)
                }
            case 6: try records.send(from: target, &script)
            default: try records.deliver(to: target, &script)
            }
        }
    }
}
