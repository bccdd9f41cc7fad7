internal import OwnThread
internal import Testing

/// What the program PacketCalls counts in the whole process, libcrypto included.
@Suite("Allocations and locks of packets", .ownThread)
struct PacketCallsTests {
    private struct Count {
        let packets: Int
        let allocations: Int
        let locks: Int
    }

    @Test func `sealing and opening packets neither allocates nor locks, and forged ones allocate for one step`()
        async throws
    {
        let (printed, status) = try await PacketProgram.run(try PacketProgram.path("PacketCalls"))
        try #require(status == 0, "\(printed)")
        // A sanitizer has a malloc of its own.
        if printed == "not counted\n" { return }
        var counts: [String: Count] = [:]
        for line in printed.split(separator: "\n") {
            let words = line.split(separator: " ")
            let numbers = words.suffix(3).compactMap { Int($0) }
            try #require(numbers.count == 3, "\(line)")
            let name = words.dropLast(3).joined(separator: " ")
            counts[name] = Count(packets: numbers[0], allocations: numbers[1], locks: numbers[2])
        }
        #expect(counts.count == 14, "\(printed)")
        // The counter counts.
        let control = try #require(counts["control"])
        #expect(control.allocations == 100 && control.locks == 100)
        for algorithm in ["xChaCha20Poly1305", "aes256GCM"] {
            for part in ["single", "together", "alternating", "forged beyond"] {
                let count = try #require(counts["\(algorithm) \(part)"])
                #expect(count.packets > 1900)
                #expect(count.allocations == 0 && count.locks == 0, "\(algorithm) \(part)")
            }
            // A step of both ends; without optimization, some hundred. The forged ones make the receiver step once.
            for part in ["step", "forged next"] {
                let count = try #require(counts["\(algorithm) \(part)"])
                #expect((1...500).contains(count.allocations) && count.locks == 0, "\(algorithm) \(part)")
            }
            #expect(counts["\(algorithm) forged next"]?.packets == 10_000)
        }
    }
}
