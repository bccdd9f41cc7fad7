internal import Files
internal import FoundationEssentials
internal import Glibc
internal import LinkMeasurement
internal import NIOCore
internal import NIOPosix
internal import NIOSSL
internal import Operations
internal import PacketIO

/// The client's half of an iperf3 test: iperf3 itself, and in tunneled mode the port that carries its connections.
struct IperfClient: Sendable {
    /// Seconds beyond the test's length until iperf3 is terminated.
    private static let patience = SessionParameters.setupSeconds

    let address: ReflectorAddress
    let context: NIOSSLContext
    let executable: String
    let grant: SessionGrant
    let params: SessionParameters
    let meters: ClientMeters

    /// A remedy if the login fails: the padding of the password's encryption changed.
    static func remedy(_ words: String) -> String {
        guard words.lowercased().contains("authoriz") || words.lowercased().contains("authentic") else { return "" }
        return
            "; iperf3 encrypts the login in another way from 3.17 on: the iperf3 here and that of the reflector must both be "
            + "older than 3.17, or both 3.17 or later; or use --engine native"
    }

    private var streams: Int { grant.streams ?? params.streams ?? 1 }

    /// iperf3's control connection and its streams.
    var connections: Int { 1 + streams * (params.bidirectional == true ? 2 : 1) }

    func run(host: String) async throws -> ThroughputResult {
        switch grant.mode {
        case .directEphemeral: return try await run(host: host, port: grant.port)
        case .tunneled:
            let forwarder = try await IperfForwarder.start(self)
            do {
                let result = try await run(host: "127.0.0.1", port: forwarder.port)
                await forwarder.stop()
                return result
            } catch {
                let reason = forwarder.failure
                await forwarder.stop()
                throw reason ?? error
            }
        }
    }

    private func run(host: String, port: Int) async throws -> ThroughputResult {
        var arguments = [
            "-c", host, "-p", "\(port)", "-J", "-t", "\(params.durationSec)", "--connect-timeout", "10000",
        ]
        arguments += ["-P", "\(streams)"]
        if params.transport == .udp { arguments.append("-u") }
        if params.reverse == true { arguments.append("-R") }
        if params.bidirectional == true { arguments.append("--bidir") }
        if let bitrate = params.bitsPerSecond(ofEachOf: streams) { arguments += ["-b", "\(bitrate)"] }
        var environment: [String: String] = [:]
        var keyFile: String?
        defer { if let keyFile { _ = unsafe unlink(keyFile) } }
        if let credentials = grant.credentials {
            let file = "\(FileManager.default.temporaryDirectory.path)/paramedic-\(AccessToken.random().hex).pem"
            try StateFiles.createPrivate(file, content: Array(credentials.publicKey.utf8))
            keyFile = file
            arguments += ["--username", credentials.username, "--rsa-public-key-path", file]
            // In the environment, because every user sees arguments in a process list.
            environment["IPERF3_PASSWORD"] = credentials.password
        }
        let process = try await ChildProcess.start(executable, arguments, environment: environment)
        let limit = Task {
            try await Task.sleep(for: .seconds(params.durationSec + Self.patience))
            await process.terminate(grace: .seconds(1))
        }
        let exit = await withTaskCancellationHandler {
            await process.exit()
        } onCancel: {
            process.signal(SIGTERM)
        }
        limit.cancel()
        try Task.checkCancellation()
        do {
            return try IPerf3Output.result(exit.output, printedBy: .client, mode: grant.mode)
        } catch {
            let words = String(decoding: exit.errorOutput.prefix(300), as: UTF8.self)
            throw ParamedicError.invalid(
                "iperf3 gave no result: \(error)\(words.isEmpty ? "" : " (\(words))")"
                    + Self.remedy("\(error) \(words)")
            )
        }
    }
}
