internal import Foundation
internal import Operations
internal import Testing

/// A user's courier.
struct CourierUser {
    let folder: String

    @discardableResult
    func run(_ arguments: String...) async throws -> Tool.Result {
        try await Tool.run("courier", arguments, ["XDG_STATE_HOME": folder])
    }

    func id() async throws -> String { String(try await run("id").output.dropLast()) }

    func start(_ arguments: String...) async throws -> ChildProcess {
        try await Tool.start("courier", arguments, ["XDG_STATE_HOME": folder])
    }

    /// Gives `body` a courier that serves, where it is (`ID@HOST:PORT`) and another user.
    static func serving(
        listen: String = "127.0.0.1",
        _ options: String...,
        body: (_ server: CourierUser, _ place: String, _ sender: CourierUser) async throws -> Void
    ) async throws {
        try await Tool.inFolder { folder in
            let (server, sender) = (CourierUser(folder: folder + "/server"), CourierUser(folder: folder + "/sender"))
            let host = listen.contains(":") ? "[\(listen)]" : listen
            let address = "\(host):\(try Installation.freePort())"
            let output = folder + "/place"
            let line =
                "exec \"$0\" serve \(options.joined(separator: " ")) --listen '\(address)' --to '\(folder)/in' > '\(output)'"
            let child = try await ChildProcess.start(
                "/bin/sh",
                ["-c", line, try Tool.path("courier")],
                environment: ["XDG_STATE_HOME": server.folder]
            )
            do {
                let place = try await eventually("serve says where it is") { () -> String? in
                    try #require(child.isRunning)
                    let text = (try? String(contentsOfFile: output, encoding: .utf8)) ?? ""
                    return text.hasSuffix("\n") ? text.split(separator: "\n").first.map(String.init) : nil
                }
                #expect(place == "\(try await server.id())@\(address)")
                try await body(server, place, sender)
            } catch {
                await child.terminate()
                throw error
            }
            await child.terminate()
        }
    }
}
