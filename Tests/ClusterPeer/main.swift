// A cluster member in a process of its own, which the tests kill. Arguments: the member's number (1…255; its identity
// is made from it), the key in hexadecimal, and the seeds, each HOST:PORT. It listens on 127.0.0.1 and prints where,
// then each event with the number of the member. It asks each member that joins for its number, and prints `heard` with
// the answer. It answers this question itself, and never answers `slow`. SIGTERM and SIGINT make it leave; a second
// signal cuts off the requests in progress.
internal import Glibc
internal import Identity
internal import NetworkProtocol

let arguments = CommandLine.arguments
guard arguments.count >= 3, let number = UInt8(arguments[1]), let key = ClusterKey(hexadecimal: arguments[2]),
    let identity = IdentityKey(seed: [UInt8](repeating: number, count: 32)),
    let listening = MemberAddress("127.0.0.1:0")
else { exit(64) }

@Sendable func say(_ line: String) {
    print(line)
    fflush(nil)
}

let numbers = Dictionary(
    uniqueKeysWithValues: (1...UInt8.max).compactMap { number in
        IdentityKey(seed: [UInt8](repeating: number, count: 32)).map { ($0.endpointID, number) }
    }
)

var configuration = ClusterConfiguration(
    name: "test",
    key: key,
    identity: identity,
    listening: listening,
    seeds: Array(arguments.dropFirst(3))
)
// Only a second signal cuts off the requests in progress when it leaves.
configuration.messaging.shutdownTimeout = .seconds(3_600)
var dispatcher = Dispatcher()
dispatcher.onCommand("who") { _, _ in [number] }
dispatcher.onCommand("slow") { _, _ in
    try await Task.sleep(for: .seconds(3_600))
    return []
}
let cluster = Cluster(configuration, dispatcher: dispatcher)

@Sendable func ask(_ member: ClusterMember) async {
    guard let reply = try? await cluster.request("who", to: member), let number = reply.first else { return }
    say("heard \(number)")
}

let teller = Task {
    guard let own = await cluster.started() else { return }
    say("listening \(own.address)")
    for await event in cluster.events {
        say("\(event.change) \(numbers[event.member.endpointID, default: 0])")
        if event.change == .joined { Task { await ask(event.member) } }
    }
    say("ended")
}
do {
    try await cluster.runUntilSignal()
    await teller.value
} catch {
    say("failed \(error)")
    exit(1)
}
