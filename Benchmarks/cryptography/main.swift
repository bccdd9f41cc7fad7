internal import Cryptography
internal import Glibc

// Seals and opens records of one length, again and again, as one direction of a session does.
//
//   cryptography-benchmark xchacha20|aes256gcm LENGTH COUNT
//       prints the nanoseconds of processor time that sealing and opening one record takes
//   cryptography-benchmark idle xchacha20|aes256gcm COUNT
//       makes COUNT ciphers, uses each once, and prints the resident bytes of one

func fail(_ message: String) -> Never {
    print("cryptography-benchmark: \(message)")
    exit(2)
}

func algorithm(_ name: String) -> RecordCipher.Algorithm {
    switch name {
    case "xchacha20": .xChaCha20Poly1305
    case "aes256gcm": .aes256GCM
    default: fail("no algorithm \(name): xchacha20 or aes256gcm")
    }
}

func makeCipher(_ algorithm: RecordCipher.Algorithm, _ contexts: CipherContexts) -> RecordCipher {
    RecordCipher(
        algorithm,
        key: [UInt8](0..<32),
        noncePrefix: [UInt8](0..<16).prefix(algorithm.noncePrefixLength),
        contexts: contexts
    )
}

/// As long as a header of the packet protocol.
let header = [UInt8](repeating: 7, count: 10)

/// The processor time of this process in nanoseconds: other processes of the machine change it least.
func processorTime() -> Double {
    var time = timespec()
    // The call fills it.
    guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fail("no clock") }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

let warmUp = 1000

func measure(_ algorithm: RecordCipher.Algorithm, length: Int, count: Int) -> Double {
    let contexts = CipherContexts()
    var sealer = makeCipher(algorithm, contexts)
    var opener = makeCipher(algorithm, contexts)
    var bytes = [UInt8](repeating: 1, count: length + RecordCipher.tagLength)
    var start = 0.0
    for counter in 0..<UInt64(warmUp + count) {
        // libcrypto loads what it needs with the first records.
        if counter == warmUp { start = processorTime() }
        var span = bytes.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        sealer.seal(&raw, counter: counter, authenticating: unsafe header.span.bytes)
        guard opener.open(&raw, counter: counter, authenticating: unsafe header.span.bytes) else {
            fail("a record does not open")
        }
    }
    return (processorTime() - start) / Double(count)
}

func residentBytes() -> Int {
    guard let file = unsafe fopen("/proc/self/statm", "r") else { fail("no /proc") }
    defer { unsafe fclose(file) }
    var text = [CChar](repeating: 0, count: 128)
    guard unsafe fgets(&text, 128, file) != nil else { fail("no /proc/self/statm") }
    let fields = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(
        separator: " "
    )
    return (Int(fields[1]) ?? 0) * 4096
}

final class Holder {
    var cipher: RecordCipher
    init(_ cipher: consuming RecordCipher) { self.cipher = cipher }
}

func idle(_ algorithm: RecordCipher.Algorithm, count: Int) -> Double {
    let contexts = CipherContexts()
    var holders: [Holder] = []
    holders.reserveCapacity(count)
    let before = residentBytes()
    for _ in 0..<count {
        let holder = Holder(makeCipher(algorithm, contexts))
        var bytes = [UInt8](repeating: 1, count: 80)
        var span = bytes.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        holder.cipher.seal(&raw, counter: 0, authenticating: unsafe header.span.bytes)
        holders.append(holder)
    }
    let each = Double(residentBytes() - before) / Double(count)
    withExtendedLifetime(holders) {}
    return each
}

let arguments = CommandLine.arguments.dropFirst().map { $0 }
guard arguments.count == 3, let count = Int(arguments[2]) else {
    fail("ALGORITHM LENGTH COUNT or idle ALGORITHM COUNT")
}
if arguments[0] == "idle" {
    print(idle(algorithm(arguments[1]), count: count))
} else if let length = Int(arguments[1]) {
    print(measure(algorithm(arguments[0]), length: length, count: count))
} else {
    fail("no length \(arguments[1])")
}
