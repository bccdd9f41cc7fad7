internal import Glibc
internal import LinkMeasurement
internal import PacketIO
internal import Paramedic
internal import Reflector

// Parts of the packet engine's benchmark, each one process that `run.sh` pins and compares with another tool's.
//
//   packet-io-benchmark serve                echo server on 127.0.0.1; prints "ready PORT"; each line of its input is a
//                                            token to admit; ends with its input
//   packet-io-benchmark tcp STREAMS SECONDS  source to sink over loopback; prints "bits-per-second retransmits CPU-ms"
//   packet-io-benchmark rtt PORT TOKEN N US  N probes, one every US microseconds; prints "p50 p99 received
//   p50-inside-server" (ns)

struct ErrorOutput: TextOutputStream {
    func write(_ text: String) {
        let bytes = Array(text.utf8)
        _ = unsafe Glibc.write(2, bytes, bytes.count)  // the array lives through the call
    }
}

func fail(_ message: String) -> Never {
    print("packet-io-benchmark: \(message)")
    exit(2)
}

/// A token pins the first source port that presents it, so each run of the prober has its own.
func serve() throws {
    let server = try EchoServer(binding: InternetAddress(.loopbackIPv4, port: 0))
    try server.start()
    print("ready \(server.port)")
    fflush(nil)
    var last: AccessToken?
    while let line = readLine() {
        guard let token = AccessToken(hex: line) else { fail("a token is 32 hexadecimal digits") }
        if let last { report(server, last) }
        let permit = EchoPermit(token: token, peer: .host(.loopbackIPv4), maximumPacketsPerSecond: 1_000_000_000)
        try server.admit(permit)
        last = token
        print("admitted")
        fflush(nil)
    }
    if let last { report(server, last) }
    server.shutdown()
}

func report(_ server: EchoServer, _ token: AccessToken) {
    let counters = server.revoke(token)
    let line =
        "received \(counters?.packetsReceived ?? 0) replied \(counters?.repliesSent ?? 0) drops \(server.kernelDrops)\n"
    var errorOutput = ErrorOutput()
    print(line, terminator: "", to: &errorOutput)
}

func rtt(_ arguments: [String]) throws {
    guard arguments.count == 4, let port = UInt16(arguments[0]), let token = AccessToken(hex: arguments[1]),
        let count = Int(arguments[2]), let interval = Int64(arguments[3])
    else { fail("rtt PORT TOKEN N US") }
    var plan = EchoProbePlan(target: InternetAddress(.loopbackIPv4, port: port), token: token, count: count)
    plan.interval = interval * 1000
    let samples = try EchoProber(plan).start().join().get()
    let times = (0..<samples.count).compactMap { samples.roundTrip($0) }.sorted()
    guard !times.isEmpty else { fail("no replies") }
    let inside = (0..<samples.count).compactMap { samples.serverTime($0) }.sorted()
    print(times[times.count / 2], times[times.count * 99 / 100], times.count, inside[inside.count / 2])
}

func tcp(_ arguments: [String]) throws {
    guard arguments.count == 2, let streams = Int(arguments[0]), let seconds = Int64(arguments[1]) else {
        fail("tcp STREAMS SECONDS")
    }
    let listener = try Socket.listenTCP(InternetAddress(.loopbackIPv4, port: 0))
    let address = try listener.localAddress()
    let deadline = KernelClock.monotonic + seconds * 1_000_000_000
    let limits = ByteStreamLimits(deadline: deadline)
    var sources: [WorkThread<ByteTotals>] = []
    var sinks: [WorkThread<ByteTotals>] = []
    for _ in 0..<streams {
        let source = try ByteSource(Socket.connectTCP(address), until: limits)
        let sink = try ByteSink(Socket.acceptTCP(listener), until: ByteStreamLimits(deadline: deadline + 1_000_000_000))
        sinks.append(try sink.start())
        sources.append(try source.start())
    }
    let sent = sources.map { $0.join() }
    let received = sinks.map { $0.join() }
    let bytes = received.reduce(0) { $0 + $1.bytes }
    let start = received.map(\.firstByte).min() ?? 0
    let end = received.map(\.lastByte).max() ?? 0
    let cpu = (sent + received).reduce(0) { $0 + $1.processorTime }
    print(Double(bytes) * 8e9 / Double(max(1, end - start)), sent.reduce(0) { $0 + $1.retransmits }, cpu / 1_000_000)
}

do {
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "serve": try serve()
    case "rtt": try rtt(Array(arguments.dropFirst()))
    case "tcp": try tcp(Array(arguments.dropFirst()))
    default: fail("tcp STREAMS SECONDS | serve | rtt PORT TOKEN N US")
    }
} catch {
    fail("\(error)")
}
