internal import COpenSSL
internal import Cryptography
internal import Glibc

// Seals and opens packets with 1420 bytes of payload, one by one and 44 together, and the same bytes with libcrypto's
// EVP calls alone, which have no masks, no window and no generations. Rounds of both alternate; prints medians of the
// processor time of a packet that is sealed and opened, and of their ratios. Exits with 1 below the ratio that is
// demanded.
//
//   packets-benchmark [ROUNDS [RATIO]]          31 and 0.85

let payload = 1420
let length = PacketSealer.minimumLength + payload
let tagLength = 16
/// As many as one segmented message of 64 KiB takes.
let batch = 44
/// Batches of a round.
let repetitions = 200

func fail(_ message: String) -> Never {
    print("packets-benchmark: \(message)")
    exit(2)
}

/// The processor time of this process in nanoseconds: other processes of the machine change it least.
func processorTime() -> Double {
    var time = timespec()
    // The call fills it.
    guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fail("no clock") }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

// MARK: libcrypto alone

/// Key and cipher are set once for each direction.
@safe struct EVPLoop {
    private let sealer: OpaquePointer
    private let opener: OpaquePointer

    init(_ algorithm: RecordCipher.Algorithm) {
        let name =
            switch algorithm {
            // The key of XChaCha20-Poly1305 is derived once; then it is this one.
            case .xChaCha20Poly1305: "ChaCha20-Poly1305"
            case .aes256GCM: "AES-256-GCM"
            }
        let cipher = unsafe EVP_CIPHER_fetch(nil, name, nil)
        unsafe sealer = Self.make(cipher, 1)
        unsafe opener = Self.make(cipher, 0)
    }

    private static func make(_ cipher: OpaquePointer?, _ encrypting: Int32) -> OpaquePointer {
        let key = [UInt8](0..<32)
        guard let context = unsafe EVP_CIPHER_CTX_new(),
            unsafe EVP_CipherInit_ex(context, cipher, nil, key, nil, encrypting) == 1
        else { fail("libcrypto has no such cipher") }
        return unsafe context
    }

    /// `bytes` is a whole packet; the first 16 bytes are authenticated only.
    @inline(__always)
    private func run(_ context: OpaquePointer, _ bytes: UnsafeMutablePointer<UInt8>, _ number: UInt64, seals: Bool) {
        var nonce = (UInt32(0), UInt32(truncatingIfNeeded: number), UInt32(truncatingIfNeeded: number >> 32))
        var written: Int32 = 0
        let text = unsafe bytes + 16
        let textLength = Int32(length - 16 - tagLength)
        let tag = unsafe bytes + (length - tagLength)
        var done = unsafe withUnsafeBytes(of: &nonce) { nonce in
            unsafe EVP_CipherInit_ex(context, nil, nil, nil, nonce.baseAddress, seals ? 1 : 0)
        }
        done &= unsafe EVP_CipherUpdate(context, nil, &written, bytes, 16)
        if !seals { done &= unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, Int32(tagLength), tag) }
        done &= unsafe EVP_CipherUpdate(context, text, &written, text, textLength)
        done &= unsafe EVP_CipherFinal_ex(context, nil, &written)
        if seals { done &= unsafe EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, Int32(tagLength), tag) }
        if done != 1 { fail("libcrypto failed") }
    }

    /// Seals all packets, then opens all.
    func round(_ bytes: UnsafeMutablePointer<UInt8>, count: Int, first: UInt64) {
        for index in 0..<count {
            unsafe run(sealer, bytes + index * length, first + UInt64(index), seals: true)
        }
        for index in 0..<count {
            unsafe run(opener, bytes + index * length, first + UInt64(index), seals: false)
        }
    }
}

// MARK: Ours

struct OurLoop: ~Copyable {
    private var sealer: PacketSealer
    private var opener: PacketOpener

    init(_ algorithm: RecordCipher.Algorithm) {
        let root = PacketRoot(k1: Secret([UInt8](0..<32)), k2: Secret([UInt8](32..<64)))
        sealer = PacketSealer(PacketKeys(root, .fromInitiator, algorithm))
        opener = PacketOpener(PacketKeys(root, .fromInitiator, algorithm))
    }

    mutating func single(_ packet: inout MutableRawSpan, number: UInt64) {
        do { try sealer.seal(&packet, number: number) } catch { fail("\(error)") }
        guard case .opened = opener.open(&packet) else { fail("a packet does not open") }
    }

    mutating func together(
        _ packets: inout MutableRawSpan,
        _ outcomes: inout MutableSpan<PacketOpener.Outcome>,
        first: UInt64
    ) {
        do { try sealer.seal(&packets, length: length, firstNumber: first) } catch { fail("\(error)") }
        let count = opener.open(&packets, length: length, outcomes: &outcomes)
        for index in 0..<count {
            guard case .opened = outcomes[index] else { fail("a packet does not open") }
        }
    }
}

/// Nanoseconds of a packet: ours, libcrypto's, and how much of libcrypto's rate is left.
struct Result {
    let ours: Double
    let theirs: Double
    let ratio: Double
}

func measure(_ algorithm: RecordCipher.Algorithm, together: Bool, rounds: Int) -> Result {
    let count = together ? batch : 1
    let repetitions = together ? repetitions : repetitions * batch
    var bytes = [UInt8](repeating: 7, count: length * count)
    var outcomes = [PacketOpener.Outcome](repeating: .refused(.tooShort), count: count)
    let evp = EVPLoop(algorithm)
    var loop = OurLoop(algorithm)
    var next: UInt64 = 0
    var ours: [Double] = []
    var theirs: [Double] = []
    // The first round is only to warm up.
    for round in 0...rounds {
        let packets = Double(repetitions * count)
        let start = processorTime()
        // The pointer is for the length of the array and does not leave the call.
        unsafe bytes.withUnsafeMutableBufferPointer { buffer in
            guard let address = buffer.baseAddress else { fail("no memory") }
            for repetition in 0..<repetitions {
                unsafe evp.round(address, count: count, first: next + UInt64(repetition * count))
            }
        }
        let middle = processorTime()
        var span = bytes.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        var places = outcomes.mutableSpan
        for repetition in 0..<repetitions {
            let first = next + UInt64(repetition * count)
            if together {
                loop.together(&raw, &places, first: first)
            } else {
                loop.single(&raw, number: first)
            }
        }
        let end = processorTime()
        next += UInt64(repetitions * count)
        if round == 0 { continue }
        theirs.append((middle - start) / packets)
        ours.append((end - middle) / packets)
    }
    return Result(ours: median(ours), theirs: median(theirs), ratio: median(zip(ours, theirs).map { $1 / $0 }))
}

func text(_ value: Double, _ digits: Int) -> String {
    let scale = digits == 2 ? 100.0 : 1
    let whole = Int((value * scale).rounded())
    if digits == 0 { return String(whole) }
    let rest = String(whole % 100)
    return "\(whole / 100).\(rest.count == 1 ? "0" + rest : rest)"
}

let arguments = CommandLine.arguments.dropFirst().map { $0 }
guard arguments.count <= 2, let rounds = Int(arguments.first ?? "31"), rounds > 0,
    let demanded = Double(arguments.count == 2 ? arguments[1] : "0.85")
else { fail("ROUNDS RATIO") }

print("AES-256-GCM is \(RecordCipher.Algorithm.aes256GCM.isFast ? "" : "not ")fast here")
print("| packets of \(payload) B | here | EVP alone | rate |\n| --- | --- | --- | --- |")
var isFast = true
for algorithm in RecordCipher.Algorithm.allCases {
    let name =
        switch algorithm {
        case .xChaCha20Poly1305: "XChaCha20-Poly1305"
        case .aes256GCM: "AES-256-GCM"
        }
    for together in [false, true] {
        let result = measure(algorithm, together: together, rounds: rounds)
        let how = together ? "\(batch) together" : "one by one"
        print(
            "| \(name), \(how) | \(text(result.ours, 0)) ns | \(text(result.theirs, 0)) ns | \(text(result.ratio, 2)) |"
        )
        if result.ratio < demanded { isFast = false }
    }
}
if !isFast {
    print("below \(demanded) of libcrypto's rate")
    exit(1)
}
