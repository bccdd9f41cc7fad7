// Echo over a Unix socket: only processes of this user, and of root, can connect.
//
//     example-echo serve /tmp/echo.sock
//     example-echo say /tmp/echo.sock hello
internal import Foundation
internal import NetworkProtocol

let arguments = CommandLine.arguments.dropFirst()
switch (arguments.first, arguments.dropFirst().first) {
case ("serve", let path?):
    // A daemon answers echoes automatically; a dispatcher adds handlers for anything else.
    let daemon = Daemon(listening: [.unix(path: path)], dispatcher: Dispatcher())
    do {
        // Until SIGINT (Ctrl-C) or SIGTERM.
        try await daemon.runUntilSignal()
    } catch {
        fail("\(error)")
    }
case ("say", let path?):
    do {
        let client = try await Client.connect(to: .unix(path: path))
        try await client.send(.echo(arguments.dropFirst(2).joined(separator: " ")))
        if case .echo(let text)? = try await client.receive() { print(text) }
        await client.close()
    } catch {
        fail("\(error)")
    }
default: fail("usage: example-echo serve PATH | say PATH TEXT")
}

func fail(_ reason: String) -> Never {
    FileHandle.standardError.write(Data("\(reason)\n".utf8))
    exit(1)
}
