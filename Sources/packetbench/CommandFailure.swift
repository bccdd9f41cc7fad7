internal import ArgumentParser
internal import Foundation
internal import NetworkProtocol
internal import Operations

/// How the tool ends when something failed: a sentence on standard error and an exit code that scripts can tell apart.
enum CommandFailure {
    /// One side does not admit the other.
    static let refused: Int32 = 4

    /// - Parameter json: whether results were asked for as JSON: then the error is one too.
    static func exit(_ error: any Error, of command: any ParsableCommand.Type, json: Bool) -> Never {
        let isOfTheParser = isOfTheParser(error)
        let message = isOfTheParser ? command.message(for: error) : sentence(error)
        let code = isOfTheParser ? command.exitCode(for: error).rawValue : code(of: error)
        if json, code != 0 {
            let fields: [JSONValue.Member] = [
                .init("exit_code", .integer(Int64(code))), .init("message", .string(message)),
            ]
            StandardOutput.write(JSONValue.object([.init("error", .object(fields))]).text + "\n")
        }
        if isOfTheParser { command.exit(withError: error) }
        StandardErrorLog.write(Array("packetbench: \(message)\n".utf8), to: 2)
        Foundation.exit(code)
    }

    private static func code(of error: any Error) -> Int32 {
        switch error as? ConnectionError {
        case .refused, .handshake, .tls: refused
        default: 1
        }
    }

    /// What failed, and what to do.
    static func sentence(_ error: any Error) -> String {
        guard let connection = error as? ConnectionError, let advice = advice(connection) else { return "\(error)" }
        return "\(error); \(advice)"
    }

    private static func advice(_ error: ConnectionError) -> String? {
        switch error {
        case .cannotConnect, .nobodyListens: "is `packetbench serve` running there, on this address?"
        case .handshake(.notAdmitted(let id)): "if that is the machine you mean, give --peer \(id)"
        case .handshake(.noIdentity): "start it there with --peer and this machine's `packetbench id`"
        case .refused(.unauthorised, _): "there, --peer must name what `packetbench id` prints here"
        case .malformedPacket, .closedByPeer, .timedOut, .handshake(.unexpectedMessage):
            "both sides must be started with the same kind of trust and address: --peer, --psk-file, --anonymous, "
                + "--insecure-plaintext or tls:"
        default: nil
        }
    }

    /// Its own errors, which it tells with the usage.
    private static func isOfTheParser(_ error: any Error) -> Bool {
        switch error {
        case is ExitCode, is ValidationError, is CleanExit: true
        default: String(describing: type(of: error)).contains("CommandError")
        }
    }
}
