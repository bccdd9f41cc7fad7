internal import CCallCounter
internal import Cryptography
internal import Glibc

// Seals and opens many packets and prints how often each part allocated and took a lock, one line a part:
//
//   NAME PACKETS ALLOCATIONS LOCKS
//
// The lines `control` are of code that allocates and locks once for each of its rounds.

func keys(_ algorithm: RecordCipher.Algorithm) -> PacketKeys {
    let root = PacketRoot(k1: Secret([UInt8](0..<32)), k2: Secret([UInt8](32..<64)))
    return PacketKeys(root, .fromInitiator, algorithm)
}

/// Loops below are over `Int`: without optimization, those over other integers allocate.
func report(_ name: String, _ packets: Int, _ body: () -> Void) {
    let allocations = outpost_allocations()
    let locks = outpost_locks()
    body()
    let (newAllocations, newLocks) = (outpost_allocations() - allocations, outpost_locks() - locks)
    print(name, packets, newAllocations, newLocks)
}

func require(_ condition: Bool, _ line: Int = #line) {
    if !condition { fatalError("line \(line)") }
}

let length = 52 + 1420
let batch = 44
let generation: UInt64 = 65_536

/// Seals and opens as many packets as `bytes` has, from number `first` on.
func together(
    _ sealer: inout PacketSealer,
    _ opener: inout PacketOpener,
    _ bytes: inout [UInt8],
    _ outcomes: inout [PacketOpener.Outcome],
    _ first: UInt64
) {
    var span = bytes.mutableSpan
    var raw = span.mutableBytes
    do { try sealer.seal(&raw, length: length, firstNumber: first) } catch { fatalError("\(error)") }
    var places = outcomes.mutableSpan
    let count = opener.open(&raw, length: length, outcomes: &places)
    require(count == batch)
    for index in 0..<batch {
        guard case .opened(let packet) = outcomes[index] else { fatalError("a packet does not open") }
        require(packet.number == first + UInt64(index))
    }
}

/// Seals one packet, overwrites half of its tag if it is to be a forged one, and opens it.
func single(
    _ sealer: inout PacketSealer,
    _ opener: inout PacketOpener,
    _ bytes: inout [UInt8],
    _ number: UInt64,
    isForged: Bool = false
) -> PacketOpener.Outcome {
    var span = bytes.mutableSpan
    var all = span.mutableBytes
    var raw = all._mutatingExtracting(0..<length)
    do { try sealer.seal(&raw, number: number) } catch { fatalError("\(error)") }
    if isForged { raw.storeBytes(of: 0, toByteOffset: length - 8, as: UInt64.self) }
    return opener.open(&raw)
}

func open(_ opener: inout PacketOpener, _ packet: inout [UInt8]) {
    var span = packet.mutableSpan
    var raw = span.mutableBytes
    guard case .opened = opener.open(&raw) else { fatalError("a packet does not open") }
}

func sealed(_ algorithm: RecordCipher.Algorithm, _ numbers: Range<UInt64>) -> [[UInt8]] {
    var sealer = PacketSealer(keys(algorithm))
    return numbers.map { number in
        var packet = [UInt8](repeating: 1, count: 100)
        var span = packet.mutableSpan
        var raw = span.mutableBytes
        do { try sealer.seal(&raw, number: number) } catch { fatalError("\(error)") }
        return packet
    }
}

func measure(_ algorithm: RecordCipher.Algorithm) {
    var sealer = PacketSealer(keys(algorithm))
    var opener = PacketOpener(keys(algorithm))
    var bytes = [UInt8](repeating: 7, count: length * batch)
    var outcomes = [PacketOpener.Outcome](repeating: .refused(.tooShort), count: batch)
    // libcrypto and the runtime prepare what they need once.
    together(&sealer, &opener, &bytes, &outcomes, 0)
    require(single(&sealer, &opener, &bytes, 44, isForged: true) == .refused(.notAuthentic))
    report("\(algorithm) single", 10_000) {
        for number in 45..<10_045 {
            guard case .opened = single(&sealer, &opener, &bytes, UInt64(number)) else { fatalError("\(number)") }
        }
    }
    report("\(algorithm) together", 440 * batch) {
        for round in 0..<440 {
            together(&sealer, &opener, &bytes, &outcomes, UInt64(11_000 + round * batch))
        }
    }
    report("\(algorithm) step", 1) { _ = single(&sealer, &opener, &bytes, generation) }

    // Back and forth between two generations: both keys stay ready.
    var packets = sealed(algorithm, generation - 1000..<generation + 1000)
    var receiver = PacketOpener(keys(algorithm))
    // The first one of each generation prepares its key.
    open(&receiver, &packets[0])
    open(&receiver, &packets[1000])
    report("\(algorithm) alternating", 1998) {
        for index in 1..<1000 {
            open(&receiver, &packets[index])
            open(&receiver, &packets[1000 + index])
        }
    }

    // Forged ones with numbers of the next generation, and authentic ones with numbers of later generations.
    var forger = PacketSealer(keys(algorithm))
    var victim = PacketOpener(keys(algorithm))
    _ = single(&forger, &victim, &bytes, 0)
    report("\(algorithm) forged next", 10_000) {
        for number in 0..<10_000 {
            let outcome = single(&forger, &victim, &bytes, generation + UInt64(number), isForged: true)
            require(outcome == .refused(.notAuthentic))
        }
    }
    // The sealer's own step comes first.
    _ = single(&forger, &victim, &bytes, 2 * generation)
    report("\(algorithm) forged beyond", 10_000) {
        for number in 1..<10_001 {
            require(single(&forger, &victim, &bytes, 2 * generation + UInt64(number)) == .refused(.noKey))
        }
    }
}

guard outpost_calls_are_counted() else {
    print("not counted")
    exit(0)
}

report("nothing", 0) {}
for algorithm in RecordCipher.Algorithm.allCases { measure(algorithm) }
report("control", 100) {
    for count in 1...100 {
        let memory = UnsafeMutableRawPointer.allocate(byteCount: 16 * count, alignment: 16)
        outpost_lock_once()
        memory.deallocate()
    }
}
