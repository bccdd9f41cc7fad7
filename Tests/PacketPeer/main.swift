internal import Cryptography
internal import Glibc

// Seals and opens packets over lines of standard input and output, for peer.py. Bytes are hexadecimal digits, or - for
// none.
//
//   session SUITE DIRECTION K1 K2             ok: epoch 0, both as sender and as receiver of the direction
//   keys                                      EPOCH PACKET-KEY HEADER-KEY NONCE-PREFIX CID…
//   epoch SHARED REPRESENTATIVE REPRESENTATIVE BASE
//                                             ok, or the receiver's failure
//   seal P PATH SEALED-PART                   PACKET
//   batch P PATH LENGTH PACKETS               PACKETS; the first 16 and last 16 bytes of each are room
//   open PACKET                               opened P EPOCH PATH SEALED-PART, or refused REASON
//   openmany LENGTH PACKETS                   the same for each packet, in one line
//   forget                                    ok: the receiver forgets old keys

struct BadLine: Error {}

func hexadecimal(_ bytes: some Collection<UInt8>) -> String {
    if bytes.isEmpty { return "-" }
    let digits = Array("0123456789abcdef")
    return String(bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] })
}

func bytes(_ text: String) throws -> [UInt8] {
    if text == "-" { return [] }
    let digits = text.utf8.compactMap { Character(UnicodeScalar($0)).hexDigitValue }
    guard digits.count == text.utf8.count, digits.count % 2 == 0 else { throw BadLine() }
    return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
}

func number<Value: FixedWidthInteger>(_ text: String) throws -> Value {
    guard let value = Value(text) else { throw BadLine() }
    return value
}

final class Session {
    private let algorithm: RecordCipher.Algorithm
    private let direction: PacketDirection
    private var root: PacketRoot?
    private var base: UInt64 = 0
    private var sealer: PacketSealer
    private var opener: PacketOpener

    init(_ words: [String]) throws {
        guard let direction = PacketDirection(rawValue: try number(words[2])) else { throw BadLine() }
        self.direction = direction
        switch words[1] {
        case "1": algorithm = .xChaCha20Poly1305
        case "2": algorithm = .aes256GCM
        default: throw BadLine()
        }
        let root = PacketRoot(k1: Secret(try bytes(words[3])), k2: Secret(try bytes(words[4])))
        sealer = PacketSealer(PacketKeys(root, direction, algorithm))
        opener = PacketOpener(PacketKeys(root, direction, algorithm))
        self.root = consume root
    }

    func keys() throws -> String {
        guard let root = root.take() else { throw BadLine() }
        let keys = PacketKeys(root, direction, algorithm, base: base)
        self.root = consume root
        let ids = (0..<PacketKeys.connectionIDCount).map { index in
            hexadecimal((0..<8).map { UInt8(truncatingIfNeeded: keys.connectionIDs[index] >> (56 - 8 * UInt64($0))) })
        }
        let secrets = [keys.packetKey, keys.headerKey, keys.noncePrefix].map { hexadecimal($0) }
        return ([String(keys.epoch)] + secrets + ids).joined(separator: " ")
    }

    func begin(_ words: [String]) throws -> String {
        guard let last = root.take() else { throw BadLine() }
        let root = last.next(
            sharedSecret: Secret(try bytes(words[1])),
            initiatorRepresentative: try bytes(words[2]),
            responderRepresentative: try bytes(words[3])
        )
        base = try number(words[4])
        do throws(PacketOpener.EpochFailure) {
            try opener.begin(PacketKeys(root, direction, algorithm, base: base))
        } catch { return error.description }
        sealer.begin(PacketKeys(root, direction, algorithm, base: base))
        self.root = consume root
        return "ok"
    }

    func seal(_ words: [String]) throws -> String {
        let room = [UInt8](repeating: 0, count: 16)
        var packet = room + (try bytes(words[3])) + room
        var span = packet.mutableSpan
        var raw = span.mutableBytes
        try sealer.seal(&raw, number: try number(words[1]), path: try number(words[2]))
        return hexadecimal(packet)
    }

    func sealMany(_ words: [String]) throws -> String {
        var packets = try bytes(words[4])
        let (length, first, path) = (
            try number(words[3]) as Int, try number(words[1]) as UInt64, try number(words[2]) as Int
        )
        var span = packets.mutableSpan
        var raw = span.mutableBytes
        try sealer.seal(&raw, length: length, firstNumber: first, path: path)
        return hexadecimal(packets)
    }

    func open(_ words: [String]) throws -> String {
        var packet = try bytes(words[1])
        var span = packet.mutableSpan
        var raw = span.mutableBytes
        return Self.text(opener.open(&raw), packet[...])
    }

    func openMany(_ words: [String]) throws -> String {
        let length: Int = try number(words[1])
        var packets = try bytes(words[2])
        var outcomes = [PacketOpener.Outcome](repeating: .refused(.tooShort), count: packets.count / length + 1)
        var span = packets.mutableSpan
        var raw = span.mutableBytes
        var places = outcomes.mutableSpan
        let count = opener.open(&raw, length: length, outcomes: &places)
        return (0..<count).map { index in
            Self.text(outcomes[index], packets[(index * length)..<min(index * length + length, packets.count)])
        }.joined(separator: " ")
    }

    func forget() { opener.forgetOldKeys() }

    private static func text(_ outcome: PacketOpener.Outcome, _ packet: ArraySlice<UInt8>) -> String {
        switch outcome {
        case .opened(let opened):
            "opened \(opened.number) \(opened.epoch) \(opened.path) \(hexadecimal(packet.dropFirst(16).dropLast(16)))"
        case .refused(let refusal): "refused \(refusal)"
        }
    }
}

func answer(_ line: String, _ session: inout Session?) throws -> String {
    let words = line.split(separator: " ").map(String.init)
    if words.first == "session", words.count == 5 {
        session = try Session(words)
        return "ok"
    }
    guard let session else { throw BadLine() }
    switch (words.first, words.count) {
    case ("keys", 1): return try session.keys()
    case ("epoch", 5): return try session.begin(words)
    case ("seal", 4): return try session.seal(words)
    case ("batch", 5): return try session.sealMany(words)
    case ("open", 2): return try session.open(words)
    case ("openmany", 3): return try session.openMany(words)
    case ("forget", 1):
        session.forget()
        return "ok"
    default: throw BadLine()
    }
}

var session: Session?
while let line = readLine() {
    do { print(try answer(line, &session)) } catch { print("bad line: \(error)") }
    // The peer waits for each line, so it must not stay in a buffer.
    fflush(nil)
}
