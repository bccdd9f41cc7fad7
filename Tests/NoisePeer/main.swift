internal import Cryptography
internal import Glibc

// Handshakes and their parts over lines of standard input and output, for peer.py. Bytes are hexadecimal digits, or -
// for none. Each line of input is one command, or the message that a handshake waits for.
//
//   blake2s MESSAGE                 DIGEST
//   hmac KEY MESSAGE                CODE
//   hkdf CHAINING-KEY INPUT         SECRET SECRET SECRET
//   x25519 SECRET PUBLIC            SHARED, or zero
//   map ELEMENT                     PUBLIC
//   decode REPRESENTATIVE           PUBLIC
//   key                             SECRET'S-SHARED-WITH-9 PUBLIC REPRESENTATIVE
//   initiator FORM PROLOGUE STATIC EPHEMERAL PAYLOAD1 PAYLOAD3
//       MESSAGE1; reads MESSAGE2; PAYLOAD2 HASH KEY; MESSAGE3 HASH; K1 K2 HANDSHAKE-HASH
//   responder FORM PROLOGUE STATIC EPHEMERAL PAYLOAD2
//       reads MESSAGE1; PAYLOAD1; MESSAGE2 HASH; reads MESSAGE3; PAYLOAD3 HASH KEY; K1 K2 HANDSHAKE-HASH
//
// FORM is plain or representative; STATIC and EPHEMERAL are secrets, EPHEMERAL only for plain keys. Instead of a line,
// a handshake may answer: failure TEXT.

struct BadLine: Error {}

func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    if bytes.isEmpty { return "-" }
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

func bytes(_ text: some StringProtocol) throws -> [UInt8] {
    if text == "-" { return [] }
    let digits = text.compactMap(\.hexDigitValue)
    guard digits.count == text.count, digits.count % 2 == 0 else { throw BadLine() }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func message() throws -> [UInt8] {
    guard let line = readLine() else { throw BadLine() }
    return try bytes(line)
}

/// The peer waits for each line, so it must not stay in a buffer.
func say(_ line: String) {
    print(line)
    fflush(nil)
}

func answer(_ parts: [UInt8]...) { say(parts.map(hexadecimal).joined(separator: " ")) }

func answer(_ outcome: borrowing NoiseXX.Outcome) {
    answer(Array(outcome.k1), Array(outcome.k2), outcome.handshakeHash)
}

func encoding(_ word: String) throws -> EphemeralKey.Encoding {
    switch word {
    case "plain": .plain
    case "representative": .representative
    default: throw BadLine()
    }
}

func ephemeral(_ encoding: EphemeralKey.Encoding, _ secret: [UInt8]) -> EphemeralKey {
    secret.isEmpty ? EphemeralKey(encoding) : EphemeralKey(plain: Secret(secret))
}

func initiate(_ words: [String]) throws {
    let form = try encoding(words[1])
    let start = NoiseXX.Initiator(
        prologue: try bytes(words[2]),
        staticKey: StaticKey(secret: Secret(try bytes(words[3]))),
        ephemeral: ephemeral(form, try bytes(words[4]))
    )
    var first: [UInt8] = []
    let sent1 = start.writeMessage1(payload: try bytes(words[5]), to: &first)
    answer(first)
    let second = try message()
    let read2 = try sent1.readMessage2(second.span)
    answer(read2.payload, read2.hash, read2.responderKey)
    var third: [UInt8] = []
    let writing3 = try read2.writeKeys(to: &third)
    let hash = writing3.hash
    let outcome = writing3.writePayload(try bytes(words[6]), to: &third)
    answer(third, hash)
    answer(outcome)
}

func respond(_ words: [String]) throws {
    let form = try encoding(words[1])
    let start = NoiseXX.Responder(prologue: try bytes(words[2]), encoding: form)
    let first = try message()
    let read1 = try start.readMessage1(first.span)
    answer(read1.payload)
    var second: [UInt8] = []
    let writing2 = try read1.writeKeys(
        staticKey: StaticKey(secret: Secret(try bytes(words[3]))),
        ephemeral: ephemeral(form, try bytes(words[4])),
        to: &second
    )
    let hash = writing2.hash
    let sent2 = writing2.writePayload(try bytes(words[5]), to: &second)
    answer(second, hash)
    let third = try message()
    let read3 = try sent2.readMessage3(third.span)
    answer(read3.payload, read3.hash, read3.initiatorKey)
    answer(read3.split())
}

func digest(_ message: [UInt8]) -> [UInt8] {
    var hash = BLAKE2s()
    hash.update(message.span)
    return hash.finish()
}

func derive(_ chainingKey: [UInt8], _ input: [UInt8]) {
    var hash = BLAKE2s()
    let secrets = NoiseHKDF.three(chainingKey: Secret(chainingKey), input: input.span, with: &hash)
    answer(Array(secrets.0), Array(secrets.1), Array(secrets.2))
}

func authenticate(_ key: [UInt8], _ message: [UInt8]) {
    var hash = BLAKE2s()
    answer(Array(HMACBLAKE2s.code(of: message.span, key: key.span, with: &hash)))
}

func makeKey() {
    let key = EphemeralKey(.representative)
    let base = [9] + [UInt8](repeating: 0, count: 31)
    answer(Array(key.sharedSecret(with: base) ?? Secret([])), key.publicKey, key.written)
}

func perform(_ line: String) throws {
    let words = line.split(separator: " ").map(String.init)
    switch (words.first, words.count) {
    case ("blake2s", 2): answer(digest(try bytes(words[1])))
    case ("hmac", 3): authenticate(try bytes(words[1]), try bytes(words[2]))
    case ("hkdf", 3): derive(try bytes(words[1]), try bytes(words[2]))
    case ("x25519", 3):
        let shared = X25519.sharedSecret(Secret(try bytes(words[1])), with: try bytes(words[2]))
        say(shared.map(hexadecimal) ?? "zero")
    case ("map", 2): answer(Elligator2.map(try bytes(words[1])))
    case ("decode", 2): answer(Elligator2.decode(try bytes(words[1])))
    case ("key", 1): makeKey()
    case ("initiator", 7): try initiate(words)
    case ("responder", 6): try respond(words)
    default: throw BadLine()
    }
}

while let line = readLine() {
    do {
        try perform(line)
    } catch let failure as NoiseFailure {
        say("failure \(failure)")
    } catch {
        say("bad line")
    }
}
