@testable import Cryptography

/// A whole handshake in one process, with whatever a test changes on the way.
struct NoiseExchange {
    /// A message that its reader refused.
    struct Refusal: Error, Equatable {
        /// 1 to 3.
        let message: Int
        let failure: NoiseFailure
    }

    var encoding = EphemeralKey.Encoding.representative
    /// The responder's, if it differs.
    var responderEncoding: EphemeralKey.Encoding?
    var prologue = Array("test".utf8)
    /// The responder's, if it differs.
    var responderPrologue: [UInt8]?
    var payloads: [[UInt8]] = [Array("first".utf8), Array("second".utf8), Array("third".utf8)]
    var initiatorStatic = StaticKey(secret: Secret(1...32))
    var responderStatic = StaticKey(secret: Secret(2...33))
    var seed: UInt64 = 1
    /// Secrets instead of generated ones, for plain keys.
    var ephemeralSecrets: (initiator: Secret, responder: Secret)?
    /// What the network makes of a message with a number from 1 to 3.
    var network: (Int, [UInt8]) -> [UInt8] = { $1 }

    struct Result {
        var messages: [[UInt8]] = []
        /// As read.
        var payloads: [[UInt8]] = []
        /// Of messages 2 and 3, at their writers and at their readers.
        var writtenHashes: [[UInt8]] = []
        var readHashes: [[UInt8]] = []
        /// As read.
        var staticKeys: [[UInt8]] = []
        /// The initiator's and the responder's.
        var k1: [Secret] = []
        var k2: [Secret] = []
        var handshakeHashes: [[UInt8]] = []
    }

    func run() throws(Refusal) -> Result {
        var number = 1
        do {
            return try run(reading: &number)
        } catch {
            throw Refusal(message: number, failure: error)
        }
    }

    private func run(reading number: inout Int) throws(NoiseFailure) -> Result {
        var generator = RandomBytes(seed: seed)
        var result = Result()
        let initiator = NoiseXX.Initiator(
            prologue: prologue,
            staticKey: initiatorStatic,
            ephemeral: ephemeral(encoding, ephemeralSecrets?.initiator, &generator)
        )
        let responder = NoiseXX.Responder(
            prologue: responderPrologue ?? prologue,
            encoding: responderEncoding ?? encoding
        )
        var message: [UInt8] = []
        let sent1 = initiator.writeMessage1(payload: payloads[0], to: &message)
        result.messages.append(message)

        number = 1
        message = network(1, message)
        let read1 = try responder.readMessage1(message.span)
        result.payloads.append(read1.payload)
        message = []
        let writing2 = try read1.writeKeys(
            staticKey: responderStatic,
            ephemeral: ephemeral(responderEncoding ?? encoding, ephemeralSecrets?.responder, &generator),
            to: &message
        )
        result.writtenHashes.append(writing2.hash)
        let sent2 = writing2.writePayload(payloads[1], to: &message)
        result.messages.append(message)

        number = 2
        message = network(2, message)
        let read2 = try sent1.readMessage2(message.span)
        result.payloads.append(read2.payload)
        result.readHashes.append(read2.hash)
        result.staticKeys.append(read2.responderKey)
        message = []
        let writing3 = try read2.writeKeys(to: &message)
        result.writtenHashes.append(writing3.hash)
        let initiatorOutcome = writing3.writePayload(payloads[2], to: &message)
        result.messages.append(message)

        number = 3
        message = network(3, message)
        let read3 = try sent2.readMessage3(message.span)
        result.payloads.append(read3.payload)
        result.readHashes.append(read3.hash)
        result.staticKeys.append(read3.initiatorKey)
        let responderOutcome = read3.split()
        result.k1 = [initiatorOutcome.k1, responderOutcome.k1]
        result.k2 = [initiatorOutcome.k2, responderOutcome.k2]
        result.handshakeHashes = [initiatorOutcome.handshakeHash, responderOutcome.handshakeHash]
        return result
    }

    /// Which message failed and how; nil if all went well.
    func refusal() -> Refusal? {
        do {
            _ = try run()
            return nil
        } catch {
            return error
        }
    }

    private func ephemeral(
        _ encoding: EphemeralKey.Encoding,
        _ secret: Secret?,
        _ generator: inout RandomBytes
    ) -> EphemeralKey {
        if let secret { return EphemeralKey(plain: secret) }
        return EphemeralKey(encoding, using: &generator)
    }
}
