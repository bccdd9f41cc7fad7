internal import Crypto
package import Cryptography

// A sealed packet's payload is ciphertext ‖ 16-byte tag of XChaCha20-Poly1305. The nonce is not sent: 16 bytes of the
// key schedule, then the number of the record under its key in 8 bytes, little endian. The packet's header is
// authenticated with it. So a record that is lost, repeated, out of order or sent back to its sender does not open, and
// the connection ends there.
//
// An empty record is the last under its key: the following ones are sealed with the next key. A sender changes keys
// each 2³² records and each hour; one that does so more often than ``KeyChanges`` admits is cut off.

/// When a sender takes the next key.
package enum RekeyLimits {
    package static let records: UInt64 = 1 << 32
    package static let age = Duration.seconds(3600)
}

/// One direction's key, and the one after it.
private struct RecordKey: ~Copyable {
    var cipher: RecordCipher
    private let secret: SymmetricKey
    private let contexts: CipherContexts

    init(_ secret: SymmetricKey, _ contexts: CipherContexts) {
        let material = RecordKey.expand(secret, "record", 48)
        cipher = RecordCipher(
            .xChaCha20Poly1305,
            key: material[..<32],
            noncePrefix: material[32...],
            contexts: contexts
        )
        self.secret = secret
        self.contexts = contexts
    }

    /// The key after this one.
    func next() -> RecordKey { RecordKey(SymmetricKey(RecordKey.expand(secret, "next", 32)), contexts) }

    private static func expand(_ secret: SymmetricKey, _ info: String, _ count: Int) -> Secret {
        let key = HKDF<SHA256>.expand(pseudoRandomKey: secret, info: Array(info.utf8), outputByteCount: count)
        // Copied; the pointer is not kept.
        return unsafe key.withUnsafeBytes { unsafe Secret($0) }
    }
}

/// Seals what one side sends. Uses its owner's contexts, on the owner's thread.
package struct RecordSealer: ~Copyable {
    private var key: RecordKey
    private var counter: UInt64 = 0
    private var madeAt: ContinuousClock.Instant
    private let records: UInt64

    package init(
        secret: Secret,
        contexts: CipherContexts,
        now: ContinuousClock.Instant,
        records: UInt64 = RekeyLimits.records
    ) {
        key = RecordKey(SymmetricKey(secret), contexts)
        madeAt = now
        self.records = records
    }

    /// Whether an empty record and ``rekey(now:)`` must precede the next `count` records. The last number of a key is
    /// the empty record's.
    package func mustRekey(now: ContinuousClock.Instant, before count: UInt64 = 1) -> Bool {
        counter + count > records - 1 || now - madeAt >= RekeyLimits.age
    }

    /// `bytes` is the payload followed by room for the tag; `header` is the packet's, with the length of both.
    package mutating func seal(_ bytes: inout MutableRawSpan, header: RawSpan) {
        key.cipher.seal(&bytes, counter: counter, authenticating: header)
        counter += 1
    }

    package mutating func rekey(now: ContinuousClock.Instant) {
        key = key.next()
        counter = 0
        madeAt = now
    }
}

extension SymmetricKey {
    /// Copied into memory that is overwritten, too.
    init(_ secret: Secret) { self = unsafe secret.withUnsafeBytes { unsafe SymmetricKey(data: $0) } }
}

/// Opens what the other side sealed. Uses its owner's contexts, on the owner's thread.
package struct RecordOpener: ~Copyable {
    /// Shorter records are opened when they are complete: copying them costs less than a context of their own.
    static let shortestInPieces = 16 * 1024

    private var key: RecordKey
    private var counter: UInt64 = 0
    /// The record that is being opened while it arrives.
    private var opening: RecordOpening?

    package init(secret: Secret, contexts: CipherContexts) { key = RecordKey(SymmetricKey(secret), contexts) }

    /// The payload, or nil if it was not sealed as the next record. An empty payload is a key change, which has been
    /// made.
    package mutating func open(_ packet: consuming Packet) -> [UInt8]? {
        let header = packet.header
        let payload = packet.payload
        packet.payload = []
        return open(SplitPayload(payload), of: header)?.joined()
    }

    /// The same for a payload that may be split.
    mutating func open(_ payload: consuming SplitPayload, of header: PacketHeader) -> SplitPayload? {
        guard header.flags.contains(.encrypted), payload.count >= RecordCipher.tagLength else { return nil }
        guard isAuthentic(&payload, header) else { return nil }
        // A sender that never changes keys runs out of numbers after 2⁶⁴ records, which no link can carry.
        counter += 1
        payload.removeLast(RecordCipher.tagLength)
        if payload.isEmpty {
            key = key.next()
            counter = 0
        }
        return payload
    }

    private mutating func isAuthentic(_ payload: inout SplitPayload, _ header: PacketHeader) -> Bool {
        if opening == nil {
            return key.cipher.open(&payload, counter: counter, authenticating: header.inlineBytes)
        }
        let result = payload.withPieces { _, rest in
            let tag = rest.bytes.extracting(last: RecordCipher.tagLength)
            return opening?.isAuthentic(tag: tag) ?? false
        }
        opening = nil
        return result
    }
}

extension RecordOpener: PayloadPieces {
    /// Opens a long record while it arrives. Its tag is left behind its plaintext, and ``open(_:of:)`` must follow when
    /// the payload is complete.
    mutating func append(_ piece: Span<UInt8>, of header: PacketHeader, to payload: inout SplitPayload) {
        let isOpenedInPieces =
            header.flags.contains(.encrypted) && header.payloadLength >= RecordOpener.shortestInPieces
        let start = isOpenedInPieces ? min(payload.missingHead, piece.count) : piece.count
        payload.append(piece.extracting(..<start))
        if start == piece.count { return }
        if opening == nil {
            let header = header.inlineBytes
            var new = key.cipher.startOpening(counter: counter, authenticating: unsafe header.span.bytes)
            payload.withHead { new.open(&$0) }
            opening = consume new
        }
        let textLength = header.payloadLength - RecordCipher.tagLength
        let end = start + max(0, min(piece.count - start, textLength - payload.count))
        payload.append(end - start) { plaintext in opening?.open(piece.extracting(start..<end), to: &plaintext) }
        payload.append(piece.extracting(end...))
    }

    /// The next packet. A long record is opened while it arrives.
    mutating func frame(
        of decoder: inout PacketDecoder,
        _ input: Span<UInt8>,
        at position: inout Int
    ) throws(PacketError) -> PacketDecoder.Frame? {
        try decoder.frame(input, at: &position, &self)
    }
}
