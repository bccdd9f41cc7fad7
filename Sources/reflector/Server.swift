internal import ArgumentParser
internal import Reflector

/// Asks the running server; a refusal becomes an error.
enum Server {
    static func ask(_ request: ControlRequest, _ configuration: ReflectorConfiguration) async throws -> ControlReply {
        let reply = try await ControlClient.ask(request, folder: configuration.stateFolder)
        if case .failed(let message) = reply { throw ControlSocketError.failed(message) }
        return reply
    }
}
