internal import Cryptography
internal import OwnThread
internal import Testing

@testable import FileTransfer

/// What a sender says of its files, if it means harm.
@Suite("Offers and values of a sender that breaks the protocol", .ownThread)
struct HostileOfferTests {
    private func entry(_ number: UInt32, size: UInt64, name: String = "") -> TransferEntry {
        TransferEntry(
            number: number,
            kind: .file,
            mode: 0o644,
            seconds: 1,
            nanoseconds: 0,
            size: size,
            path: Array("\(number)\(name)".utf8)
        )
    }

    private func offered(_ entries: [TransferEntry], to sink: MemorySink) -> FileReceiver {
        var receiver = FileReceiver(into: sink)
        receiver.receive(.offer(transfer: [UInt8](repeating: 0, count: 16), isOneFile: false, name: [1]))
        for entry in entries where receiver.violation == nil { receiver.receive(.entry(entry)) }
        let bytes = entries.reduce(0) { $0 &+ $1.size }
        guard receiver.violation == nil else { return receiver }
        receiver.receive(.end(entries: UInt32(entries.count), bytes: bytes))
        return receiver
    }

    @Test func `sizes whose sum has no 63 bits are a violation, not a small sum`() {
        let largest = UInt64(Int64.max)
        let receiver = offered((0..<3).map { entry($0, size: largest) }, to: MemorySink())
        #expect(receiver.state == .violated("files that are too large together"))
        let allowed = offered([entry(0, size: largest - 1), entry(1, size: 1)], to: MemorySink())
        #expect(allowed.state == .offered && allowed.totalBytes == largest)
    }

    @Test func `values that wait for their chunks are limited for all files together`() {
        let sink = MemorySink()
        sink.isSparse = true
        var receiver = offered((0..<8).map { entry($0, size: 1 << 40) }, to: sink)
        receiver.accept()
        receiver.work()
        let values = [[UInt8]](repeating: [UInt8](repeating: 1, count: 32), count: 1_024)
        var taken = 0
        for file in 0..<8 as Range<UInt32> {
            for part in 0..<60 as Range<UInt64> where receiver.violation == nil {
                receiver.receive(.values(entry: file, first: part * 1_024, values))
                if receiver.violation == nil { taken += values.count }
            }
        }
        #expect(receiver.violation == "too many values before their chunks")
        #expect(taken <= 262_144 && taken > 200_000)
    }

    @Test func `the reasons of many failures take limited memory`() {
        let count: UInt32 = 20_000
        let sink = MemorySink()
        sink.refuses = String(repeating: "x", count: 4_000)
        var receiver = offered((0..<count).map { entry($0, size: 1) }, to: sink)
        receiver.accept()
        while receiver.state == .accepted { receiver.work() }
        #expect(receiver.state == .finished && receiver.faults.count == Int(count))
        let bytes = receiver.faults.values.reduce(0) { $0 + $1.utf8.count }
        #expect(bytes < 10 << 20, "\(bytes)")
        #expect(receiver.faults[0]?.utf8.count == 4_000)
    }

    @Test func `a chunk is gathered from 256 runs at most`() {
        var assembly = ChunkAssembly(entry: 0, chunk: 0, slot: 0, length: 262_144)
        for run in 0..<256 { #expect(assembly.add(2 * run..<2 * run + 1) == 1) }
        #expect(assembly.add(1_000..<1_001) == nil)
        // Those that touch others are always taken.
        #expect(assembly.add(1..<2) == 1)
        #expect(assembly.add(1_000..<1_001) == 1)
        #expect(assembly.add(0..<1_001) == 1_001 - 258)
        #expect(assembly.add(1_001..<262_144) == 262_144 - 1_001)
        #expect(assembly.isComplete)
    }
}
