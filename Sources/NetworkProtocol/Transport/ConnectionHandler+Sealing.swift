internal import Cryptography
internal import NIOCore

extension ConnectionHandler {
    /// From here on everything is sealed, in both directions.
    func seal(_ result: HandshakeResult) {
        guard let context else { return }
        let contexts = LoopCipherContexts.of(context.eventLoop)
        outbox.seal()
        sealer = RecordSealer(secret: result.sending, contexts: contexts, now: .now)
        opener = RecordOpener(secret: result.receiving, contexts: contexts)
    }

    /// Writes what is there, in one go.
    func flush() {
        guard let context, let taken = outbox.take() else { return }
        var (bytes, messages, mustSeal) = taken
        let count = bytes.readableBytes
        let outbox = outbox
        let bound = NIOLoopBound(self, eventLoop: context.eventLoop)
        if mustSeal {
            // Without its key the connection has ended, and nothing may leave in the clear.
            guard sealer != nil else { return }
            if let change = sealer?.seal(messages, packetsOf: &bytes, now: .now) {
                setup.metrics.sent(messages: 0, bytes: change.readableBytes)
                context.write(wrapOutboundOut(change), promise: nil)
            }
        }
        setup.metrics.sent(messages: messages, bytes: count)
        context.writeAndFlush(wrapOutboundOut(bytes)).assumeIsolated().whenComplete { result in
            outbox.written(bytes: count, messages: messages)
            // Within a turn it is the turn that goes on.
            if case .success = result { bound.value.turn() }
        }
    }
}
