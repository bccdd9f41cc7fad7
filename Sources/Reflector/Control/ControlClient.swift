internal import FoundationEssentials
internal import LinkMeasurement
internal import NetworkProtocol

/// The command line's end of the control socket.
package enum ControlClient {
    /// The longest that a command may take: rotating a large audit log.
    private static let patience = Duration.seconds(600)

    /// Asks the server that runs on `folder`; throws ``ControlSocketError/notRunning(folder:usesOwnFolder:)`` if there
    /// is none.
    package static func ask(_ request: ControlRequest, folder: String) async throws -> ControlReply {
        let client: Client
        do throws(ConnectionError) {
            client = try await Client.connect(to: .unix(path: ControlSocket.path(inFolder: folder)))
        } catch {
            if error.code == .notListening { throw ControlSocketError.notRunning(folder: folder) }
            throw ControlSocketError.failed("\(error); run this as the reflector's user or as root")
        }
        let question = try LinkJSON.encode(request)
        let answer: [UInt8]
        do throws(ConnectionError) {
            answer = try await client.request(ControlSocket.command, question, timeout: patience)
        } catch {
            throw ControlSocketError.failed("the reflector gave no answer; check its log: \(error)")
        }
        await client.close()
        return try LinkJSON.decode(ControlReply.self, from: Data(answer))
    }
}
