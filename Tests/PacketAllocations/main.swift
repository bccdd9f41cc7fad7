// Sends runs of packets to itself and receives them, waits in between, and counts how often it asks for memory. Exits
// with 0 if that is ALLOCATIONS.
//
//   PacketAllocations ROUNDS ALLOCATIONS [waste]
//
// With `waste` each round allocates once more, to show that the counter counts.
internal import CCallCounter
internal import Glibc
internal import PacketIO
internal import SystemErrors

func run(rounds: Int, wastes: Bool) throws(SystemError) -> UInt {
    var socket = try PacketSocket(InternetAddress(.loopbackIPv4, port: 0))
    let address = socket.address
    var buffers = try ReceiveBuffers(capacity: 8)
    var set = PollSet(try WakeUp())
    _ = set.add(socket)
    let packets = [UInt8](repeating: 7, count: 20 * 1_472)
    var received = 0
    var before: UInt = 0
    // What the first rounds set up counts nothing.
    for round in -10..<rounds {
        if round == 0 { before = outpost_allocations() }
        // Every second round without segmentation.
        socket.sendsRuns = round % 2 == 0
        _ = socket.send(packets.span.bytes, segment: 1_472, to: address, from: .loopbackIPv4)
        var missing = packets.count
        while missing > 0, try set.wait(until: KernelClock.monotonic + 1_000_000_000) {
            for run in 0..<(try socket.receive(into: &buffers)) {
                missing -= buffers.bytes(run).byteCount
                received += buffers.datagrams(run)
                if buffers.source(run) != address || buffers.local(run) != .loopbackIPv4 { exit(2) }
            }
        }
        if wastes { outpost_allocate_once() }
    }
    let allocations = outpost_allocations() - before
    if received != (rounds + 10) * 20 { exit(3) }
    return allocations
}

let numbers = CommandLine.arguments.compactMap { Int($0) }
guard numbers.count == 2 else { exit(64) }
do {
    let allocations = try run(rounds: numbers[0], wastes: CommandLine.arguments.contains("waste"))
    print("\(allocations) allocations")
    exit(allocations == numbers[1] ? 0 : 1)
} catch {
    print(error)
    exit(4)
}
