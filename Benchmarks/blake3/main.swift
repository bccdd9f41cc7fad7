internal import Cryptography
internal import Glibc

// Hashes, again and again, and prints nanoseconds of processor time.
//
//   blake3-benchmark time KERNEL LENGTH…      per byte of an input, medians of rounds that alternate
//   blake3-benchmark masks KERNEL COUNT       per keyed hash of 16 bytes, COUNT at once
//   blake3-benchmark file KERNEL PATH         prints the digest, computed by pieces and their fold
//
// KERNEL: best, portable, sse41, avx2, avx512, neon

func fail(_ message: String) -> Never {
    print("blake3-benchmark: \(message)")
    exit(2)
}

/// The processor time of this process in nanoseconds: other processes of the machine change it least.
func processorTime() -> Double {
    var time = timespec()
    // The call fills it.
    guard unsafe clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time) == 0 else { fail("no clock") }
    return Double(time.tv_sec) * 1e9 + Double(time.tv_nsec)
}

/// Of one call, as the median of rounds of 2 ms.
func median(of call: () -> Void) -> Double {
    call()
    let first = processorTime()
    call()
    let count = max(1, Int(2e6 / max(1, processorTime() - first)))
    let times = (0..<25).map { _ in
        let start = processorTime()
        for _ in 0..<count { call() }
        return (processorTime() - start) / Double(count)
    }
    return times.sorted()[times.count / 2]
}

func digest(ofFile path: String) -> BLAKE3.Digest {
    let file = unsafe open(path, O_RDONLY)
    guard file >= 0 else { fail("cannot open \(path)") }
    var buffer = [UInt8](repeating: 0, count: BLAKE3.Piece.length)
    var fold = BLAKE3.Fold()
    while true {
        // As many bytes as the array has.
        let count = unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
        guard count >= 0 else { fail("cannot read \(path)") }
        if count == 0 && fold.count > 0 { break }
        // Every bit pattern is a valid byte; a regular file gives whole pieces.
        fold.append(BLAKE3.Piece(unsafe buffer.span.bytes.extracting(0..<count), number: fold.count))
        if count < buffer.count { break }
    }
    guard let digest = fold.digest else { fail("no piece") }
    return digest
}

let arguments = Array(CommandLine.arguments.dropFirst())
guard arguments.count >= 3 else { fail("time KERNEL LENGTH…, masks KERNEL COUNT or file KERNEL PATH") }
if arguments[1] != "best" {
    guard let kernel = BLAKE3.Kernel(rawValue: arguments[1]), kernel.isSupported else {
        fail("no \(arguments[1]) here")
    }
    kernel.use()
}
/// What hashing gives goes here, so that it is not optimized away.
var sink: UInt8 = 0

switch arguments[0] {
case "time":
    let lengths = arguments[2...].compactMap { Int($0) }
    let bytes = [UInt8](repeating: 7, count: lengths.max() ?? 0)
    for length in lengths {
        // Every bit pattern is a valid byte.
        let span = unsafe bytes.span.bytes.extracting(0..<length)
        print(length, median { sink ^= BLAKE3.hash(span)[0] } / Double(length))
    }
case "masks":
    guard let count = Int(arguments[2]), count > 0 else { fail("no count \(arguments[2])") }
    let key = Secret([UInt8](0..<32))
    let samples = [UInt8](repeating: 7, count: BLAKE3.shortMessageLength * count)
    var masks = [UInt8](repeating: 0, count: 8 * count)
    let time = median {
        var span = masks.mutableSpan
        // Every bit pattern is a valid byte.
        var raw = unsafe span.mutableBytes
        BLAKE3.keyedHashes(ofShortMessages: unsafe samples.span.bytes, key: key, into: &raw)
    }
    print(count, time / Double(count))
case "file":
    print(digest(ofFile: arguments[2]).map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined())
default:
    fail("no measurement \(arguments[0])")
}
