internal import ArgumentParser
internal import Reflector

/// Asks the running server; a refusal becomes an error.
enum Server {
    /// - Parameter offline: answers if no server runs; without it, that is an error.
    static func ask(
        _ request: ControlRequest,
        _ configuration: ReflectorConfiguration,
        offline: (() async throws -> ControlReply)? = nil
    ) async throws -> ControlReply {
        var reply: ControlReply
        do {
            reply = try await ControlClient.ask(request, folder: configuration.stateFolder)
        } catch ControlSocketError.notRunning(let folder, _) {
            guard let offline else {
                throw ControlSocketError.notRunning(folder: folder, usesOwnFolder: configuration.usesOwnFolder)
            }
            reply = try await offline()
        }
        if case .failed(let message) = reply { throw ControlSocketError.failed(message) }
        return reply
    }
}
