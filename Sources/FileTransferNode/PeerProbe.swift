internal import FileTransfer
package import Identity
package import PacketIO

/// Asks a courier whether it answers, and measures how long that takes, on the calling thread.
package enum PeerProbe {
    private static let pause: Int64 = 200_000_000
    /// After which an answer counts as lost.
    private static let patience: Int64 = 1_000_000_000

    package struct Result: Sendable {
        /// Which of the addresses answered.
        package let address: InternetAddress
        /// Nanoseconds until the peer had proved its identity, with what both computed.
        package let handshake: Int64
        /// Nanoseconds of each answer to a PING in the session.
        package var roundTrips: [Int64]
    }

    /// - Parameters:
    ///   - count: how many answers.
    ///   - wakeUp: a signal from another thread cancels.
    package static func run(
        _ contact: PeerContact,
        count: Int,
        identity: IdentityKey,
        wakeUp: WakeUp
    ) throws -> Result {
        let start = KernelClock.monotonic
        let opened = try Initiator.open(contact, identity: identity, wakeUp: wakeUp)
        var result = Result(address: opened.remote, handshake: KernelClock.monotonic - start, roundTrips: [])
        var driver = opened.session(carrying: NoContent(), wakeUp: wakeUp)
        var next = Instant.now
        var answered = -1
        try driver.run(onCancel: "canceled") { session in
            if session.pingTimes.count >= count { return session.close(.done) }
            let now = Instant.now
            guard now >= next, answered < session.pingTimes.count || now >= next + patience else { return }
            session.ping()
            answered = session.pingTimes.count
            next = now + pause
        }
        guard driver.session.pingTimes.count >= count else { throw driver.session.failure() }
        result.roundTrips = driver.session.pingTimes
        return result
    }
}
