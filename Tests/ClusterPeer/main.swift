// A member of a cluster in a process of its own, which the tests kill. Arguments: the number of the member (1…255, its Endpoint ID
// is made of it), the key in hexadecimal, and seeds, HOST:PORT each. It listens on 127.0.0.1 and says on standard output where,
// then each event with the number of the member. SIGTERM lets it leave.
import Glibc
import Identity
import Logging
import NetworkProtocol
import ServiceLifecycle
import UnixSignals

let arguments = CommandLine.arguments
guard arguments.count >= 3, let number = UInt8(arguments[1]), let key = ClusterKey(hexadecimal: arguments[2]),
    let id = EndpointID(publicKey: [UInt8](repeating: number, count: EndpointID.keyLength)),
    let listening = MemberAddress("127.0.0.1:0")
else { exit(64) }

func say(_ line: String) {
    print(line)
    fflush(nil)
}

var configuration = ClusterConfiguration(
    name: "processes",
    key: key,
    endpointID: id,
    listening: listening,
    seeds: Array(arguments.dropFirst(3))
)
configuration.period = .milliseconds(400)
configuration.pingTimeout = .milliseconds(150)
let cluster = Cluster(configuration)

let teller = Task {
    guard let own = await cluster.started() else { return }
    say("listening \(own.address)")
    for await event in cluster.events { say("\(event.change) \(event.member.endpointID.publicKey[0])") }
    say("ended")
}
do {
    let services = ServiceGroupConfiguration(
        services: [cluster],
        gracefulShutdownSignals: [.sigterm],
        logger: Logger(label: "cluster-peer")
    )
    try await ServiceGroup(configuration: services).run()
    await teller.value
} catch {
    say("failed \(error)")
    exit(1)
}
