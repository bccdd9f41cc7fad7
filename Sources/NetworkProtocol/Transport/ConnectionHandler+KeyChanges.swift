internal import Cryptography
internal import NIOCore

extension ConnectionHandler {
    /// The record's payload, nil for a change of the key, which has been made.
    func open(_ packet: consuming Packet) throws(ConnectionError) -> [UInt8]? {
        // What is sealed must be, from the first record on: there is no way back into the clear.
        guard let opened = opener?.open(packet) else { throw .notAuthentic }
        guard opened.isEmpty else { return opened }
        guard keyChanges.admit(now: .now) else {
            throw .protocolViolation(
                "it changed its key more than \(KeyChanges.most) times, and more than once in \(KeyChanges.interval)"
            )
        }
        return nil
    }

    /// Whether an empty record must wait for its turn, as one of the same connection came lately: no other record, and none within a
    /// handshake, where whatever comes is handled at once.
    func mustWait(_ packet: borrowing Packet) -> Bool {
        guard packet.header.payloadLength == RecordCipher.tagLength, case .open = phase else { return false }
        return keyChanges.isFurther(now: .now)
    }

    /// Nothing after the packet is looked at until it is its turn.
    func changeKeyLater(_ packet: Packet) {
        guard let context else { return }
        isKeyChangeWaiting = true
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        KeyChangeTurns.of(context.eventLoop).wait { bound.value.changeKey(packet) }
    }

    private func changeKey(_ packet: Packet) {
        isKeyChangeWaiting = false
        guard case .open = phase else { return }
        do throws(ConnectionError) {
            // Its length says that it is empty.
            _ = try open(packet)
        } catch {
            fail(error)
        }
        turn()
    }
}
