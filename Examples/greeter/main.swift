// A daemon that greets, and a client that asks for it: the program of the article "A first daemon in five minutes".
//
//     example-greeter id                                     on each machine: its Endpoint ID
//     example-greeter serve 9000 PP-…                        on one, with the other's
//     example-greeter ask 192.0.2.1 9000 PP-… Ada            on the other, with the first one's
internal import Foundation
internal import NetworkProtocol

do {
    let identity = try IdentityKey.loadOrCreate(at: "greeter.ed25519")
    let arguments = Array(CommandLine.arguments.dropFirst())
    switch arguments.first {
    case "id" where arguments.count == 1: print(identity.endpointID)
    case "serve" where arguments.count == 3: try await serve(try port(arguments[1]), arguments[2])
    case "ask" where arguments.count == 5:
        try await ask(arguments[1], try port(arguments[2]), arguments[3], arguments[4])
    default: throw Usage()
    }

    func serve(_ port: Int, _ text: String) async throws {
        let client = try EndpointID(parsing: text)
        var dispatcher = Dispatcher()
        dispatcher.onCommand("greet") { name, context in
            guard !name.isEmpty else { throw Dispatcher.Refusal("no name was given") }
            return Array("hello, ".utf8) + name
        }
        let daemon = Daemon(
            listening: [.tcp(host: "0.0.0.0", port: port, trust: .pinned([client], identity: identity))],
            dispatcher: dispatcher
        )
        try await daemon.runUntilSignal()
    }

    func ask(_ host: String, _ port: Int, _ text: String, _ name: String) async throws {
        let daemon = try EndpointID(parsing: text)
        let client = try await Client.connect(
            to: .tcp(host: host, port: port, trust: .pinned([daemon], identity: identity))
        )
        let reply = try await client.request("greet", Array(name.utf8))
        print(String(decoding: reply, as: UTF8.self))
        await client.close()
    }
} catch {
    FileHandle.standardError.write(Data("greeter: \(error)\n".utf8))
    exit(1)
}

func port(_ text: String) throws -> Int {
    guard let port = Int(text) else { throw Usage() }
    return port
}

struct Usage: Error, CustomStringConvertible {
    let description = "usage: greeter id | serve PORT ID | ask HOST PORT ID NAME"
}
