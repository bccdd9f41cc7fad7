// A chat without a server: each process is a member of a cluster and sends typed lines to the others.
//
//     export CHAT_KEY=$(example-chat key)
//     example-chat Ada 127.0.0.1:7001
//     example-chat Bob 127.0.0.1:7002 127.0.0.1:7001
internal import Foundation
internal import Identity
internal import Logging
internal import NetworkProtocol
internal import ServiceLifecycle
internal import UnixSignals

let arguments = Array(CommandLine.arguments.dropFirst())
if arguments == ["key"] {
    print(ClusterKey.random().hexadecimal)
    exit(0)
}
guard arguments.count >= 2, let listening = MemberAddress(arguments[1]),
    let key = ProcessInfo.processInfo.environment["CHAT_KEY"].flatMap({ ClusterKey(hexadecimal: $0) })
else {
    fail("usage: CHAT_KEY=… example-chat NAME ADDRESS:PORT [SEED:PORT …]; a key: example-chat key")
}
let name = arguments[0]

@Sendable func show(_ line: String) { FileHandle.standardOutput.write(Data("\(line)\n".utf8)) }

// Lines from the others.
var dispatcher = Dispatcher()
dispatcher.onData { text, _ in
    show(String(decoding: text, as: UTF8.self))
    return nil
}

let configuration = ClusterConfiguration(
    name: "chat",
    key: key,
    // With a key in a file it stays the same member: `IdentityKey.loadOrCreate(at:)`.
    identity: IdentityKey(),
    listening: listening,
    seeds: Array(arguments.dropFirst(2))
)
var logger = Logger(label: "chat")
logger.logLevel = .warning
let cluster = Cluster(configuration, dispatcher: dispatcher, logger: logger)

// Members that join and leave.
Task {
    guard let own = await cluster.started() else { return }
    show("* you are at \(own.address)")
    for await event in cluster.events {
        switch event.change {
        case .joined, .failed, .left: show("* \(event.member.address) \(event.change)")
        case .suspected, .recovered, .updated: break
        }
    }
}

// Typed lines. Reading blocks, so it has a thread of its own.
let (lines, typed) = AsyncStream.makeStream(of: String.self)
Thread.detachNewThread {
    while let line = readLine() { typed.yield(line) }
    typed.finish()
}
Task {
    for await line in lines {
        for (_, problem) in await cluster.broadcast(.data(Array("\(name): \(line)".utf8))) { show("* \(problem)") }
    }
    // The end of the input ends the program.
    await cluster.leave()
}

do {
    let services = ServiceGroupConfiguration(
        services: [.init(service: cluster, successTerminationBehavior: .gracefullyShutdownGroup)],
        gracefulShutdownSignals: [.sigint, .sigterm],
        logger: logger
    )
    try await ServiceGroup(configuration: services).run()
} catch {
    fail("\(error)")
}

func fail(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("\(reason)\n".utf8))
    exit(1)
}
