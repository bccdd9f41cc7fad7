internal import Glibc

// The parts of Benchmarks/network-protocol/run.py that need the library itself.
//
//     network-protocol-benchmark codec BYTES SECONDS
//         nanoseconds for encode + decode, and for memcpy there and back
//     network-protocol-benchmark encode|decode BYTES COUNT
//         only COUNT of them, for counting allocations
//     network-protocol-benchmark hold SOCKET COUNT [sealed]
//         opens connections to a Unix socket, prints a line, and holds them until standard input ends
//     network-protocol-benchmark request SOCKET SECONDS [sealed]
//         round trips of a request of 64 bytes that a task answers: median and 99th percentile in nanoseconds,
//         and their number
//     network-protocol-benchmark nio SOCKET SECONDS BYTES
//         the same for this many bytes with NIO alone

func usage() -> Never {
    let text =
        "network-protocol-benchmark codec BYTES SECONDS | encode|decode BYTES COUNT | hold SOCKET COUNT [sealed]"
        + " | request SOCKET SECONDS [sealed] | nio SOCKET SECONDS BYTES\n"
    // The text lives for the call.
    _ = unsafe text.withCString { unsafe write(2, $0, strlen($0)) }
    exit(64)
}

let words = Array(CommandLine.arguments.dropFirst())
guard words.count >= 3 else { usage() }
switch words[0] {
case "codec":
    guard let bytes = Int(words[1]), let seconds = Double(words[2]) else { usage() }
    var codec = Codec(bytes: bytes)
    codec.compare(seconds: seconds)
case "encode", "decode":
    guard let bytes = Int(words[1]), let count = Int(words[2]) else { usage() }
    var codec = Codec(bytes: bytes)
    codec.run(words[0] == "encode" ? .encode : .decode, count: count)
case "hold":
    guard let count = Int(words[2]) else { usage() }
    try await Hold.run(socket: words[1], count: count, isSealed: words.dropFirst(3).first == "sealed")
case "request":
    guard let seconds = Double(words[2]) else { usage() }
    try await Rounds.request(socket: words[1], seconds: seconds, isSealed: words.dropFirst(3).first == "sealed")
case "nio":
    guard words.count == 4, let seconds = Double(words[2]), let bytes = Int(words[3]) else { usage() }
    try await Rounds.bareNIO(socket: words[1], seconds: seconds, bytes: bytes)
default: usage()
}
