// Requests over TLS. Each side proves its identity with a certificate of the same authority.
//
//     example-mutual-tls certificates FOLDER
//     example-mutual-tls serve FOLDER 9443
//     example-mutual-tls greet FOLDER 9443 Ada
internal import Foundation
internal import NetworkProtocol

let arguments = Array(CommandLine.arguments.dropFirst())
do {
    switch (arguments.first, arguments.count) {
    case ("certificates", 2): try Certificates(arguments[1]).make()
    case ("serve", 3): try await serve(Certificates(arguments[1]), port: Int(arguments[2]) ?? 0)
    case ("greet", 4):
        print(try await greet(arguments[3], Certificates(arguments[1]), port: Int(arguments[2]) ?? 0))
    default:
        fail("usage: example-mutual-tls certificates FOLDER | serve FOLDER PORT | greet FOLDER PORT NAME")
    }
} catch {
    fail("\(error)")
}

func fail(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("\(reason)\n".utf8))
    exit(1)
}

func serve(_ certificates: Certificates, port: Int) async throws {
    var dispatcher = Dispatcher()
    dispatcher.onCommand("greet") { name, context in
        guard !name.isEmpty else { throw Dispatcher.Refusal("no name was given") }
        let pin = context.peer.certificatePin.map { "\($0)" } ?? "nothing"
        return Array("hello, \(String(decoding: name, as: UTF8.self)), who showed \(pin)".utf8)
    }
    let tls = TLSServer(
        certificateChain: try certificates.chain("server"),
        privateKey: try certificates.key("server"),
        clients: .certified(roots: try certificates.authority())
    )
    let daemon = Daemon(listening: [.tls(host: "127.0.0.1", port: port, tls)], dispatcher: dispatcher)
    // Port 0 is any free port, so print the chosen one.
    Task {
        for address in await daemon.addresses() { print("listening on \(address)") }
        fflush(nil)
    }
    try await daemon.runUntilSignal()
}

func greet(_ name: String, _ certificates: Certificates, port: Int) async throws -> String {
    var tls = TLSClient(roots: .certificates(try certificates.authority()))
    tls.certificateChain = try certificates.chain("client")
    tls.privateKey = try certificates.key("client")
    // The name in the server's certificate; by default the connected host.
    tls.serverName = "localhost"
    let client = try await Client.connect(to: .tls(host: "127.0.0.1", port: port, tls))
    let reply = try await client.request("greet", Array(name.utf8))
    await client.close()
    return String(decoding: reply, as: UTF8.self)
}
