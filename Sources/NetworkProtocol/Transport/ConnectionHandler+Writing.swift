internal import Cryptography
internal import NIOCore

extension ConnectionHandler {
    /// What was added since the last write and is not in `messagesWritten`.
    struct Unwritten {
        /// Messages taken out of the outbox, where they count as in flight.
        var queuedMessages = 0
        var queuedBytes = 0
        /// Bytes of all packets that are no longer in `writer`.
        var bytes = 0
        /// Those of the outbox whose packets are in `writer`.
        var buffered = Credit()
    }

    /// Messages of the outbox, and the bytes of their packets.
    struct Credit {
        var messages = 0
        var bytes = 0
    }

    /// Once this many bytes of packets are buffered, they are sealed and written, and the next packets go to another
    /// buffer. So sealed bytes are still in the processor's cache when the system copies them, and the peer opens one
    /// piece while the next one is sealed.
    private static let pieceLength = 64 * 1024

    /// Short answers, such as pongs, that may wait beside a full outbox.
    private static let spareMessages = 256

    /// Whether so many messages wait that short answers should be skipped.
    var isCrowded: Bool {
        isStuck
            && outbox.messagesWaiting + messagesWritten
                >= setup.options.effectiveChannelCapacity + ConnectionHandler.spareMessages
    }

    /// Adds a short message of the protocol itself, to be written at the end of this turn.
    func write(_ message: Message) {
        if encoding.format == .bincode { return writeOpening(message, isSealed: core.isSealed) }
        takeQueue()
        writer.append(message.payload(in: encoding.format), [], isSealed: core.isSealed)
        messagesWritten += 1
    }

    /// The same for messages of the handshake, which are always in bincode.
    func writeOpening(_ message: Message, isSealed: Bool) {
        takeQueue()
        writer.append(message, length: message.bincodeLength, isSealed: isSealed)
        messagesWritten += 1
    }

    /// Adds a message of the program, such as a reply.
    func writeProgram(_ message: Message) throws(ConnectionError) {
        takeQueue()
        put(try encoding.encode(message))
        messagesWritten += 1
    }

    /// Whether this message must be encoded on another thread.
    func takesLong(_ message: Message) -> Bool {
        encoding.isLong(message.bincodeLength)
    }

    /// Messages added by tasks come before those added from here on.
    private func takeQueue() {
        if writer.byteCount == 0, writer.buffer.storageCapacity == 0 { writer.reuse(scratch.takeBuffer()) }
        guard outbox.hasQueued else { return }
        var queue: [OutboundPayload] = []
        swap(&queue, &scratch.queue)
        let taken = outbox.take(into: &queue)
        unwritten.queuedMessages += taken.messages
        unwritten.queuedBytes += taken.bytes
        for index in queue.indices {
            // Taken out, so that nothing else refers to the bytes when they are sealed.
            var payload = OutboundPayload.bytes([], [])
            swap(&payload, &queue[index])
            let credit = Credit(messages: 1, bytes: payload.packetLength(tag: encoding.tagLength))
            put(consume payload, credit)
        }
        queue.removeAll(keepingCapacity: queue.capacity <= 32)
        swap(&queue, &scratch.queue)
    }

    private func put(_ payload: consuming OutboundPayload, _ credit: Credit = Credit()) {
        // Not bound to a second name: sealing would copy the packet.
        switch consume payload {
        case .message(let message, let length): writer.append(message, length: length, isSealed: core.isSealed)
        case .bytes(let bytes, let compression): writer.append(bytes, compression, isSealed: core.isSealed)
        case .packet(let packet):
            writeWhole()
            return writePiece(packet, count: 1, credit)
        }
        unwritten.buffered.messages += credit.messages
        unwritten.buffered.bytes += credit.bytes
        if writer.byteCount >= ConnectionHandler.pieceLength { writeWhole() }
    }

    /// Writes the buffered packets.
    private func writeWhole() {
        guard writer.byteCount > 0 else { return }
        let count = writer.packetCount
        let credit = unwritten.buffered
        unwritten.buffered = Credit()
        let piece = writer.take()
        writer.reuse(scratch.packets.take(min(piece.storageCapacity, 2 * ConnectionHandler.pieceLength)))
        writePiece(piece, count: count, credit)
    }

    /// Seals and writes packets.
    ///
    /// - Parameter credit: returned to the outbox once the system has taken the piece, so that senders add the next
    ///   messages while it takes the rest.
    private func writePiece(_ piece: consuming ByteBuffer, count: Int, _ credit: Credit) {
        guard let context, !core.isClosed else { return }
        var piece = piece
        bytesGiven += piece.readableBytes
        unwritten.bytes += piece.readableBytes
        seal(&piece, count, context)
        let written = context.eventLoop.makePromise(of: Void.self)
        // TLS keeps the encrypted bytes until then, and these not at all.
        let memory = setup.isTLS ? nil : piece
        written.futureResult.assumeIsolated().whenSuccess { [self] in
            if let memory { scratch.packets.give(memory) }
            if credit.messages > 0 { returnCredit(credit) }
        }
        context.write(wrapOutboundOut(piece), promise: written)
        if core.isSealed { context.flush() }
    }

    private func returnCredit(_ credit: Credit) {
        let senders = outbox.written(messages: credit.messages, bytes: credit.bytes)
        guard !senders.isEmpty else { return }
        resumable += senders
        turn()
        if context == nil { resumeSenders() }
    }

    /// Resumes senders for which there is room, after the socket is read on: they could take all the room at once, and
    /// again and again, and the peer would never be read.
    func resumeSenders() {
        guard !resumable.isEmpty else { return }
        let senders = resumable
        resumable = []
        for sender in senders { sender.resume(returning: ()) }
    }

    /// Seals packets if the connection is sealed, and writes the key change that must precede them, if one is due.
    private func seal(_ piece: inout ByteBuffer, _ count: Int, _ context: ChannelHandlerContext) {
        guard core.isSealed else { return }
        var change: ByteBuffer?
        _ = core.withSealer { sealer in change = sealer.seal(count, packetsOf: &piece, now: .now) }
        guard let change else { return }
        bytesGiven += change.readableBytes
        setup.metrics.sent(messages: 0, bytes: change.readableBytes)
        context.write(wrapOutboundOut(change), promise: nil)
    }

    /// Writes the buffered bytes.
    func flush() {
        if outbox.hasQueued { takeQueue() }
        guard unwritten.queuedMessages + messagesWritten > 0, let context, !core.isClosed else { return giveBack() }
        let ownMessages = messagesWritten
        messagesWritten = 0
        let packets = writer.packetCount
        var last = writer.take()
        var written = unwritten
        unwritten = Unwritten()
        let count = last.readableBytes
        bytesGiven += count
        written.bytes += count
        setup.metrics.sent(messages: written.queuedMessages + ownMessages, bytes: written.bytes)
        if count > 0 {
            seal(&last, packets, context)
            context.writeAndFlush(wrapOutboundOut(last), promise: nil)
        } else {
            context.flush()
        }
        guard !core.isClosed else { return }
        if context.channel.isWritable {
            if written.queuedMessages > 0 || isStuck { allTaken() }
            // Nothing else refers to it now.
            scratch.give(last)
        } else {
            isStuck = true
            outbox.setStuck(true)
            outbox.addInFlight(messages: ownMessages, bytes: written.bytes - written.queuedBytes)
        }
    }

    private func giveBack() {
        if writer.byteCount == 0, writer.buffer.storageCapacity > 0 { scratch.give(writer.take()) }
    }

    /// The system has taken all written bytes.
    func allTaken() {
        isStuck = false
        outbox.setStuck(false)
        outbox.allWritten()
    }
}
