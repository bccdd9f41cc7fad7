internal import Cryptography

extension Session where Content: ~Copyable {
    /// Packets of an epoch after which this end begins the next one.
    package var rekeyPackets: UInt64 {
        get { frames.rekeying.packetLimit }
        set { frames.rekeying.packetLimit = newValue }
    }

    mutating func receiveRekey(_ payload: RawSpan, now: Instant) {
        // It may be in the first packet of the epoch before the one that it names.
        updateKeys(now: now)
        do throws(Rekeying.Violation) {
            guard let keys = try frames.rekeying.receive(payload, nextNumber: recovery.nextNumber) else { return }
            do throws(PacketOpener.EpochFailure) { try opener.begin(keys) } catch { violate("a REKEY: \(error)") }
        } catch { violate("a REKEY that is \(error)") }
    }

    /// Goes to the next epoch if the peer must have its keys, and overwrites keys of the past in time.
    mutating func updateKeys(now: Instant) {
        // Who sends in an epoch has both REKEYs.
        if opener.epoch > sealer.epoch { frames.rekeying.acknowledged(UInt64(opener.epoch)) }
        if let keys = frames.rekeying.takeSealingKeys(now: now) {
            sealer.begin(keys)
            paths.beganEpoch()
        }
        guard opener.holdsOldKeys else {
            forgetsKeysAt = nil
            return
        }
        // Three probe timeouts, roughly.
        let time = forgetsKeysAt ?? now + 3 * (4 * roundTripTime + 25_000_000)
        forgetsKeysAt = time
        if now >= time {
            opener.forgetOldKeys()
            forgetsKeysAt = nil
        }
    }
}
